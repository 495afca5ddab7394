import { faultCase } from '../rig/fault-case.ts'
import { withoutReason } from '../rig/reasons.ts'

export default faultCase({
  number: 31,
  name: 'all pulse writers gone',
  expected: 'quotes go on; clients are told that freshness is unproven and why; nothing torn down',
  bound: { detectMs: 3_000, recoverMs: 3_000 },
  inTests: true,
  async run(run) {
    const { pulses, gateways } = run.installation
    const atMs = run.nowMs
    await Promise.all(pulses.map((pulse) => pulse.kill()))
    await run.pass(6_000)
    const silent = run.clients.filter(({ views }) =>
      views.some(({ events }) => !events.some((e) => e.kind === 'update' && e.atMs > atMs + 5_000)),
    )
    await Promise.all(pulses.map((pulse) => pulse.start()))
    const backAtMs = run.nowMs
    run.excuse('no pulse writers', atMs, backAtMs - atMs + 3_000)
    await run.untilLive()
    await run.pass(2_000)
    const moves = run.movesSince(atMs)
    const lost = gateways.reduce((sum, gateway) => sum + gateway.count('link_lost', atMs), 0)
    return {
      detectMs: run.noticedWithinMs(atMs),
      recoverMs: run.liveWithinMs(backAtMs),
      failures: [
        ...withoutReason(run.clients, atMs, 'log', 'unproven'),
        ...(silent.length === 0 ? [] : [`${silent.length} clients got no update of a view in the sixth second without pulses`]),
        ...(moves + lost === 0 ? [] : [`${moves} sessions began anew, ${lost} links were lost`]),
      ],
    }
  },
})
