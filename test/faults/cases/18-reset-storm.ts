import { readdirSync } from 'node:fs'
import { faultCase } from '../rig/fault-case.ts'
import { lengthMs } from '../rig/length.ts'

/** File descriptors that a healthy process may hold more or less of by chance. */
const DESCRIPTORS_SLACK = 12

export default faultCase({
  number: 18,
  name: 'reset storm',
  expected: 'every link reset each second: live within the bound after it ends; no leak',
  bound: { recoverMs: 5_000 },
  timeLimitMs: 180_000,
  topology: { proxies: { clients: true, links: true } },
  async run(run) {
    const { gateways, pushNodes, balancers, links, fronts } = run.installation
    const proxies = [...links.values(), ...fronts.values()]
    const open = () => [...gateways, ...pushNodes].map((node) => readdirSync(`/proc/${node.process.child.pid}/fd`).length)
    const before = open()
    const atMs = run.nowMs
    const durationMs = lengthMs(30_000, 10_000)
    let resets = 0
    while (run.nowMs - atMs < durationMs) {
      for (const proxy of proxies) resets += proxy.reset()
      await run.pass(1_000)
    }
    const endedAtMs = run.nowMs
    run.excuse('reset storm', atMs, endedAtMs - atMs + 5_000)
    await run.untilLive()
    await run.pass(5_000)
    const after = open()
    const leaks = [...gateways, ...pushNodes].flatMap((node, i) =>
      after[i]! > before[i]! + DESCRIPTORS_SLACK ? [`${node.id} holds ${after[i]} descriptors, ${before[i]} before`] : [],
    )
    const connections = [...fronts.values()].reduce((sum, proxy) => sum + proxy.connections, 0)
    const probes = balancers.length * gateways.length
    if (connections !== run.clients.length + probes)
      leaks.push(`${connections} connections of ${run.clients.length} clients and ${probes} probes`)
    return {
      recoverMs: run.liveWithinMs(endedAtMs),
      failures: leaks,
      notes: [`${resets} connections were reset; descriptors before and after: ${before} → ${after}`],
    }
  },
})
