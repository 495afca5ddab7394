import { faultCase } from '../rig/fault-case.ts'

export default faultCase({
  number: 21,
  name: 'two zones split',
  expected: 'line A and gw-1 stand in one zone, line B and gw-2 in the other; with nothing passing between them each serves on',
  bound: { detectMs: 3_000, recoverMs: 5_000 },
  topology: { proxies: { links: true } },
  async run(run) {
    const { gateways, links } = run.installation
    const across = [links.get('gw-1/push-b1')!, links.get('gw-2/push-a1')!]
    const atMs = run.nowMs
    for (const proxy of across) {
      proxy.up.set({ held: true })
      proxy.down.set({ held: true })
    }
    const detected = await Promise.all(gateways.map((gateway) => gateway.saidWithinMs('link_lost', atMs)))
    await run.pass(8_000)
    const joinedAtMs = run.nowMs
    for (const proxy of across) proxy.clear()
    const linked = await Promise.all(gateways.map((gateway) => gateway.saidWithinMs('link_open', joinedAtMs)))
    await run.pass(3_000)
    const moves = run.movesSince(atMs)
    return {
      detectMs: Math.max(...detected),
      recoverMs: Math.max(...linked),
      failures: moves === 0 ? [] : [`${moves} clients had to move`],
      notes: ['recover: until the zones are linked again; no client may turn stale at any time'],
    }
  },
})
