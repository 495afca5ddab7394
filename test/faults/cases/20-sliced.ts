import { faultCase } from '../rig/fault-case.ts'

export default faultCase({
  number: 20,
  name: 'bytes sliced one by one',
  expected: 'parsed correctly, on every hop from the log to the client',
  bound: { recoverMs: 0 },
  inTests: true,
  // Static lists: what slices is one process, which has no time left for every lease as well.
  topology: { balancers: 0, clients: 3, symbols: 8, recordsPerSecond: 8, proxies: { clients: true, links: true, log: true } },
  async run(run) {
    const { links, fronts } = run.installation
    const proxies = [...links.values(), ...fronts.values(), ...run.shared.proxies.values()]
    const atMs = run.nowMs
    for (const proxy of proxies) {
      proxy.up.set({ sliced: true })
      proxy.down.set({ sliced: true })
    }
    await run.pass(3_000)
    // From the first byte of a connection on, too.
    for (const proxy of [...links.values()].slice(0, 2)) proxy.reset()
    await run.pass(6_000)
    const moves = run.movesSince(atMs)
    for (const proxy of proxies) proxy.clear()
    return { recoverMs: run.liveWithinMs(atMs), failures: moves === 0 ? [] : [`${moves} sessions began anew`] }
  },
})
