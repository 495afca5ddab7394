import { faultCase } from '../rig/fault-case.ts'
import { preloaded } from '../rig/preload.ts'

export default faultCase({
  number: 26,
  name: 'wall clock jumps by an hour, forth and back',
  expected: 'no timer, lease or age is affected',
  bound: { recoverMs: 0 },
  topology: { env: () => preloaded('wall-clock') },
  async run(run) {
    const { nodes, gateways } = run.installation
    const atMs = run.nowMs
    // Each node by itself, so that they disagree by up to two hours, until all are back.
    for (let round = 0; round < 3; round++) {
      for (const node of nodes) {
        const jumpAtMs = run.nowMs
        node.process.signal('SIGUSR2')
        await node.saidWithinMs('wall_clock', jumpAtMs)
        await run.pass(500)
      }
      await run.pass(2_000)
    }
    const moves = run.movesSince(atMs)
    const lost = gateways.reduce((sum, gateway) => sum + gateway.count('link_lost', atMs), 0)
    const rebuilt = nodes.reduce((sum, node) => sum + node.count('reader_rebuilt', atMs) + node.count('pulse_failed', atMs), 0)
    return {
      recoverMs: run.liveWithinMs(atMs),
      failures:
        moves + lost + rebuilt === 0
          ? []
          : [`${moves} sessions began anew, ${lost} links were lost, ${rebuilt} readers or writers in trouble`],
    }
  },
})
