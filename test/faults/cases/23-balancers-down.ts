import { faultCase } from '../rig/fault-case.ts'

export default faultCase({
  number: 23,
  name: 'balancers down',
  expected: 'clients go on with their cached list, also after a gateway crash',
  bound: { detectMs: 1_000, recoverMs: 5_000 },
  timeLimitMs: 180_000,
  topology: { balancers: 2 },
  async run(run) {
    const { gateways, balancers } = run.installation
    const downAtMs = run.nowMs
    await Promise.all(balancers.map((balancer) => balancer.kill()))
    await run.pass(3_000)
    const movedBefore = run.movesSince(downAtMs)
    const gateway = gateways.find((each) => run.clientsOf(each).length > 0)!
    const victims = run.clientsOf(gateway)
    const atMs = run.nowMs
    run.excuse(`${gateway.id} killed`, atMs, 5_000, victims)
    await gateway.kill()
    await run.pass(5_000)
    await run.untilLive()
    return {
      detectMs: run.noticedWithinMs(atMs, victims),
      recoverMs: run.liveWithinMs(atMs, victims),
      failures: movedBefore === 0 ? [] : [`${movedBefore} clients moved because balancers were gone`],
      notes: [`${victims.length} clients of ${gateway.id} moved by the list that they had`],
    }
  },
})
