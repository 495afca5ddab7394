import { faultCase } from '../rig/fault-case.ts'
import { withoutReason } from '../rig/reasons.ts'

export default faultCase({
  number: 4,
  name: 'gateway freeze',
  expected: 'its clients see stale with the hop named, and move',
  bound: { detectMs: 3_000, recoverMs: 5_000 },
  inTests: true,
  async run(run) {
    const gateway = run.installation.gateways[0]!
    const victims = run.clientsOf(gateway)
    const atMs = run.nowMs
    run.excuse('gw-1 frozen', atMs, 5_000, victims)
    gateway.freeze()
    await run.pass(6_000)
    await run.untilLive()
    gateway.thaw()
    await run.pass(3_000)
    return {
      detectMs: run.noticedWithinMs(atMs, victims),
      recoverMs: run.liveWithinMs(atMs, victims),
      failures: withoutReason(victims, atMs, 'gw-1'),
      notes: [`${victims.length} clients moved`],
    }
  },
})
