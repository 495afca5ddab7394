import { faultCase } from '../rig/fault-case.ts'

export default faultCase({
  number: 2,
  name: 'gateway crash',
  expected: 'jittered reconnect elsewhere, resume by position; clients of the other gateway see nothing',
  bound: { detectMs: 1_000, recoverMs: 5_000 },
  inTests: true,
  async run(run) {
    const gateway = run.installation.gateways[0]!
    const victims = run.clientsOf(gateway)
    const atMs = run.nowMs
    run.excuse('gw-1 killed', atMs, 5_000, victims)
    await gateway.kill()
    await run.pass(5_000)
    await run.untilLive()
    return {
      detectMs: run.noticedWithinMs(atMs, victims),
      recoverMs: run.liveWithinMs(atMs, victims),
      notes: [`${victims.length} clients moved, the first after ${Math.round(firstMove(victims, atMs))} ms`],
    }
  },
})

function firstMove(clients: readonly { readonly sessions: readonly { readonly atMs: number }[] }[], sinceMs: number): number {
  return Math.min(...clients.flatMap(({ sessions }) => sessions.map(({ atMs }) => atMs - sinceMs)).filter((ms) => ms >= 0))
}
