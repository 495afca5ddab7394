import { faultCase } from '../rig/fault-case.ts'
import { withoutReason } from '../rig/reasons.ts'

export default faultCase({
  number: 9,
  name: 'Kafka broker freeze',
  expected: 'stale flagged at the log; no loss after return',
  bound: { detectMs: 3_000, recoverMs: 15_000 },
  async run(run) {
    const { kafka } = run.shared
    const atMs = run.nowMs
    kafka.freeze()
    await run.pass(10_000)
    const backAtMs = run.nowMs
    kafka.thaw()
    run.excuse('Kafka frozen', atMs, backAtMs - atMs + 15_000)
    await run.untilLive()
    await run.pass(3_000)
    return {
      detectMs: run.noticedWithinMs(atMs),
      recoverMs: run.liveWithinMs(backAtMs),
      failures: withoutReason(run.clients, atMs, 'log'),
      notes: [`${run.producer.failed} appends of the producer failed`],
    }
  },
})
