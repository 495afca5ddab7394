import { faultCase } from '../rig/fault-case.ts'
import { lengthMs } from '../rig/length.ts'

export default faultCase({
  number: 19,
  name: '300 ms ± jitter on every hop',
  expected: 'no false eviction in ten minutes',
  bound: {},
  timeLimitMs: 15 * 60_000,
  topology: { clients: 12, proxies: { clients: true, links: true } },
  async run(run) {
    const { links, fronts, gateways, balancers, nodes } = run.installation
    const proxies = [...links.values(), ...fronts.values()]
    for (const proxy of proxies) {
      proxy.up.set({ latencyMs: 300, jitterMs: 100 })
      proxy.down.set({ latencyMs: 300, jitterMs: 100 })
    }
    const atMs = run.nowMs
    await run.pass(lengthMs(10 * 60_000, 30_000))
    const moves = run.movesSince(atMs)
    const lost = gateways.reduce((sum, gateway) => sum + gateway.count('link_lost', atMs), 0)
    const evicted = balancers.reduce((sum, balancer) => sum + balancer.count('node_unusable', atMs), 0)
    const closed = nodes.reduce((sum, node) => sum + node.count('session_closed', atMs) + node.count('reader_rebuilt', atMs), 0)
    for (const proxy of proxies) proxy.clear()
    return {
      recoverMs: run.liveWithinMs(atMs),
      failures:
        moves + lost + closed + evicted === 0
          ? []
          : [
              `${moves} sessions began anew, ${lost} links were lost, ${closed} sessions or readers were given up, ${evicted} nodes were handed out no more`,
            ],
      notes: ['no client may turn stale either'],
    }
  },
})
