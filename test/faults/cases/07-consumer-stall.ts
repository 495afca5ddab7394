import { faultCase } from '../rig/fault-case.ts'

export default faultCase({
  number: 7,
  name: 'consumer silently stalls',
  expected: 'a proxy swallows the answers to fetches of line A, everything else goes through: line B covers; the consumer is rebuilt',
  bound: { detectMs: 3_000, recoverMs: 0 },
  topology: { proxies: { log: true } },
  async run(run) {
    const push = run.installation.pushNodes[0]!
    const swallower = run.shared.swallowers.get(push.id)!
    const proxy = run.shared.proxies.get(push.id)!
    const connectionsBefore = proxy.accepted
    const atMs = run.nowMs
    swallower.swallowing = true
    const detectMs = await push.saidWithinMs((line) => line.code === 'feed_stale' || line.code === 'log_trouble', atMs)
    // Rebuilt: it comes again, while its answers are still swallowed.
    await run.until(() => proxy.accepted > connectionsBefore, 'a new connection to Kafka', 10_000)
    const rebuiltMs = run.nowMs - atMs
    swallower.swallowing = false
    const endedAtMs = run.nowMs
    const backMs = await push.saidWithinMs((line) => line.code === 'feed_live' || line.code === 'log_again', endedAtMs)
    await run.pass(3_000)
    return {
      detectMs,
      recoverMs: run.liveWithinMs(atMs),
      failures: [
        ...(rebuiltMs + backMs > 10_000 ? [`line A itself is well after ${Math.round(rebuiltMs + backMs)} ms, not within 10,000 ms`] : []),
        ...(swallower.swallowed === 0 ? ['no answer was swallowed'] : []),
      ],
      notes: [`rebuilt after ${Math.round(rebuiltMs)} ms; line A well ${Math.round(backMs)} ms after answers came through again`],
    }
  },
})
