import { sayWord } from '@pulsewire/server'
import { faultCase } from '../rig/fault-case.ts'

export default faultCase({
  number: 12,
  name: 'gateway taken offline, another killed without a word',
  expected: 'gone from every hand-out; its clients moved in time',
  bound: { detectMs: 3_000, recoverMs: 5_000 },
  timeLimitMs: 180_000,
  topology: { balancers: 2 },
  async run(run) {
    const { gateways, controlTopic } = run.installation
    const [offline, killed] = [gateways[0]!, gateways[1]!]
    const told = run.clientsOf(offline)
    const saidAtMs = run.nowMs
    await sayWord(run.shared.log, controlTopic, offline.id, 'offline', saidAtMs)
    const offlineMs = await run.untilHandedOut((names) => !names.includes(offline.id), 'gw-1 is handed out by nobody', 20_000)
    await run.until(() => run.clientsOf(offline).length === 0, 'every client has left gw-1', 20_000)
    const leftMs = run.nowMs - saidAtMs
    await sayWord(run.shared.log, controlTopic, offline.id, 'online', run.nowMs)
    await run.untilHandedOut((names) => names.includes(offline.id), 'gw-1 is handed out again', 20_000)
    const victims = run.clientsOf(killed)
    const killedAtMs = run.nowMs
    run.excuse('gw-2 killed', killedAtMs, 5_000, victims)
    await killed.kill()
    const goneMs = await run.untilHandedOut((names) => !names.includes(killed.id), 'gw-2 is handed out by nobody', 20_000)
    await run.pass(4_000)
    await run.untilLive()
    return {
      detectMs: Math.max(offlineMs, goneMs),
      recoverMs: Math.max(leftMs, run.liveWithinMs(killedAtMs, victims)),
      notes: [
        `offline: in no hand-out after ${Math.round(offlineMs)} ms, its ${told.length} clients had left after ${Math.round(leftMs)} ms, without a flag`,
        `killed: in no hand-out after ${Math.round(goneMs)} ms, its ${victims.length} clients live after ${Math.round(run.liveWithinMs(killedAtMs, victims))} ms`,
      ],
    }
  },
})
