import { faultCase } from '../rig/fault-case.ts'
import { lengthMs } from '../rig/length.ts'

export default faultCase({
  number: 3,
  name: 'push node freeze',
  expected: 'the other line covers; after SIGCONT the node is not believed until it has caught up',
  bound: { detectMs: 3_000, recoverMs: 0 },
  timeLimitMs: 180_000,
  async run(run) {
    const { gateways, pushNodes } = run.installation
    const push = pushNodes[0]!
    const atMs = run.nowMs
    push.freeze()
    const detected = await Promise.all(gateways.map((gateway) => gateway.saidWithinMs('link_lost', atMs)))
    await run.pass(lengthMs(60_000, 8_000) - (run.nowMs - atMs))
    const thawedAtMs = run.nowMs
    push.thaw()
    const linked = await Promise.all(gateways.map((gateway) => gateway.saidWithinMs('link_open', thawedAtMs)))
    await run.pass(5_000)
    return {
      detectMs: Math.max(...detected),
      recoverMs: run.liveWithinMs(atMs),
      notes: [`frozen for ${Math.round((thawedAtMs - atMs) / 1000)} s, linked again ${Math.round(Math.max(...linked))} ms after SIGCONT`],
    }
  },
})
