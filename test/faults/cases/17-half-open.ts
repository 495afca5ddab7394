import { NetworkNamespace } from '../../support/network-namespace.ts'
import { faultCase } from '../rig/fault-case.ts'
import { noticesStall } from '../rig/stalls.ts'

/** By then the end that is slower to notice has noticed as well. */
const BOTH_ENDS_MS = 5_000

/** Made when the row is run, gone with it. */
let namespace: NetworkNamespace | undefined

export default faultCase({
  number: 17,
  name: 'half-open connection',
  expected: 'the cable of gw-1 is pulled, and nobody is told: both ends of its links notice, its clients move',
  bound: { detectMs: 3_000, recoverMs: 5_000 },
  needs: 'namespaces',
  topology: {
    // Kafka stands at an address that nobody reaches from another network: no leases.
    balancers: 0,
    within: (id) => {
      if (id !== 'gw-1') return undefined
      namespace ??= new NetworkNamespace()
      return { command: namespace.within, host: namespace.innerHost, peersAt: namespace.outerHost }
    },
  },
  async run(run) {
    const { gateways, pushNodes } = run.installation
    const gateway = gateways[0]!
    const victims = run.clientsOf(gateway)
    const atMs = run.nowMs
    run.excuse('the cable of gw-1 pulled', atMs, 5_000, victims)
    namespace!.pull()
    const linkMs = await gateway.saidWithinMs('link_lost', atMs)
    const pushMs = Math.max(...(await Promise.all(pushNodes.map((push) => push.saidWithinMs(noticesStall, atMs)))))
    const gatewayMs = await gateway.saidWithinMs(noticesStall, atMs)
    await run.pass(3_000)
    await run.untilLive()
    const clientsMs = run.noticedWithinMs(atMs, victims) ?? Infinity
    namespace!.plug()
    await run.pass(5_000)
    const slowest = Math.max(linkMs, pushMs, clientsMs, gatewayMs)
    return {
      // Of each hop the first end that knows; the other has to know, too.
      detectMs: Math.max(Math.min(linkMs, pushMs), Math.min(clientsMs, gatewayMs)),
      recoverMs: run.liveWithinMs(atMs, victims),
      failures: slowest <= BOTH_ENDS_MS ? [] : [`one end noticed only after ${Math.round(slowest)} ms`],
      notes: [
        `noticed after: gateway of its push nodes ${Math.round(linkMs)} ms, of its clients ${Math.round(gatewayMs)} ms; push nodes ${Math.round(pushMs)} ms; clients ${Math.round(clientsMs)} ms`,
      ],
    }
  },
  cleanUp() {
    namespace?.[Symbol.dispose]()
    namespace = undefined
  },
})
