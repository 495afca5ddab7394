import { faultCase } from '../rig/fault-case.ts'

export default faultCase({
  number: 1,
  name: 'push node crash',
  expected: 'the other line covers; no client misses an update or turns stale',
  bound: { detectMs: 1_000, recoverMs: 0 },
  inTests: true,
  async run(run) {
    const { gateways, pushNodes } = run.installation
    const atMs = run.nowMs
    await pushNodes[0]!.kill()
    const detected = await Promise.all(gateways.map((gateway) => gateway.saidWithinMs('link_lost', atMs)))
    await run.pass(5_000)
    const backAtMs = run.nowMs
    await pushNodes[0]!.start()
    await Promise.all(gateways.map((gateway) => gateway.saidWithinMs('link_open', backAtMs)))
    await run.pass(2_000)
    return { detectMs: Math.max(...detected), recoverMs: run.liveWithinMs(atMs) }
  },
})
