import { faultCase } from '../rig/fault-case.ts'
import { lengthMs } from '../rig/length.ts'
import { withoutReason } from '../rig/reasons.ts'

export default faultCase({
  number: 10,
  name: 'all Kafka gone for a minute',
  expected: 'nothing torn down, sockets kept, stale shown, live again by itself',
  bound: { detectMs: 3_000, recoverMs: 5_000 },
  timeLimitMs: 240_000,
  async run(run) {
    const { kafka } = run.shared
    const { gateways } = run.installation
    const atMs = run.nowMs
    await kafka.kill()
    await run.pass(lengthMs(60_000, 15_000))
    await kafka.restart()
    const backAtMs = run.nowMs
    run.excuse('Kafka gone', atMs, backAtMs - atMs + 5_000)
    await run.untilLive()
    await run.pass(3_000)
    const moves = run.movesSince(atMs)
    const lost = gateways.reduce((sum, gateway) => sum + gateway.count('link_lost', atMs), 0)
    return {
      detectMs: run.noticedWithinMs(atMs),
      recoverMs: run.liveWithinMs(backAtMs),
      failures: [
        ...withoutReason(run.clients, atMs, 'log'),
        ...(moves === 0 ? [] : [`${moves} sessions of clients began anew`]),
        ...(lost === 0 ? [] : [`${lost} links of gateways were lost`]),
      ],
      notes: [`Kafka was gone for ${Math.round((backAtMs - atMs) / 1000)} s`],
    }
  },
})
