import { faultCase } from '../rig/fault-case.ts'
import { zoneOf } from '../rig/installation.ts'

export default faultCase({
  number: 22,
  name: 'a zone lost',
  expected: 'the other takes every client; its own notice nothing',
  bound: { detectMs: 3_000, recoverMs: 30_000 },
  timeLimitMs: 180_000,
  topology: { balancers: 2, zones: true },
  async run(run) {
    const { nodes, gateways } = run.installation
    const lost = nodes.filter(({ id }) => zoneOf(id) === 'z1')
    const victims = gateways.filter((gateway) => lost.includes(gateway)).flatMap((gateway) => run.clientsOf(gateway))
    const strangers = victims.filter(({ zone }) => zone !== 'z1')
    const atMs = run.nowMs
    run.excuse('zone z1 killed', atMs, 30_000, victims)
    await Promise.all(lost.map((node) => node.kill()))
    await run.pass(10_000)
    await run.untilLive()
    const there = gateways.find(({ id }) => zoneOf(id) === 'z2')!
    const elsewhere = run.clients.length - run.clientsOf(there).length
    return {
      detectMs: run.noticedWithinMs(atMs, victims),
      recoverMs: run.liveWithinMs(atMs, victims),
      failures: [
        ...(victims.length > 0 ? [] : ['no client was served in the zone']),
        ...(strangers.length === 0 ? [] : [`${strangers.length} clients of zone z2 were served in z1`]),
        ...(elsewhere === 0 ? [] : [`${elsewhere} clients are not at ${there.id}`]),
      ],
      notes: [`${lost.length} processes killed, ${victims.length} of ${run.clients.length} clients moved`],
    }
  },
})
