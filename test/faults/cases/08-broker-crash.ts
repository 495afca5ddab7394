import { faultCase } from '../rig/fault-case.ts'
import { withoutReason } from '../rig/reasons.ts'

export default faultCase({
  number: 8,
  name: 'Kafka broker crash',
  expected: 'stale flagged at the log; no loss after return',
  bound: { detectMs: 3_000, recoverMs: 10_000 },
  async run(run) {
    const { kafka } = run.shared
    const atMs = run.nowMs
    await kafka.kill()
    await run.pass(4_000)
    await kafka.restart()
    const backAtMs = run.nowMs
    run.excuse('Kafka killed', atMs, backAtMs - atMs + 10_000)
    await run.untilLive()
    await run.pass(3_000)
    return {
      detectMs: run.noticedWithinMs(atMs),
      recoverMs: run.liveWithinMs(backAtMs),
      failures: withoutReason(run.clients, atMs, 'log'),
      notes: [`Kafka was gone for ${Math.round(backAtMs - atMs)} ms; ${run.producer.failed} appends of the producer failed`],
    }
  },
})
