import { sayWord } from '@pulsewire/server'
import type { TcpProxy } from '../../support/proxy/index.ts'
import type { FaultRun } from '../rig/fault-run.ts'
import type { FaultNode } from '../rig/node.ts'
import { orderFault, superviseOnce } from '../rig/ordered-fault.ts'

/** In whose clients, and for how long after the blow, a flag is allowed. */
export interface Allowed {
  /** `null`: everybody's. */
  readonly gateway: string | null
  /** From the blow, or from when it was healed. */
  readonly forMs: number
  readonly from: 'blow' | 'healed'
}

export interface SoakFault {
  readonly what: string
  /** `null`: nobody may notice. */
  readonly allowed: Allowed | null
  /** From the blow until everything is whole again, as far as nodes can tell. */
  strike(run: FaultRun): Promise<void>
}

/** The bounds of `FAULTS.md`: a gateway's clients are live elsewhere within 5 s, everybody within 15 s of the log's return. */
const GATEWAY_MS = 5_000
const LOG_BACK_MS = 15_000
const WRITERS_BACK_MS = 3_000
const DOWN_MS = 3_000
/** Longer than a lease lives, and than anybody waits for an answer. */
const HELD_MS = 8_000

/**
 * What can strike: everything that promises name, each healed by itself. Nodes numbered 1 are never ended, so that their
 * memory can be followed from the first minute to the last; they are frozen, drained, taken offline and cut off.
 */
export const MENU: readonly SoakFault[] = [
  unnoticed('push node of line B killed', (run) => restart(run, node(run, 'push-b1'))),
  unnoticed('push node of line A frozen', (run) => freeze(run, node(run, 'push-a1'), 6_000)),
  unnoticed('push node of line B frozen', (run) => freeze(run, node(run, 'push-b1'), 6_000)),
  unnoticed('section leaked in push node of line B', (run) => orderedEnd(run, 'push-b1', 'leak?section=intake%20quote')),
  unnoticed('event loop of push node of line B blocked', (run) => orderedEnd(run, 'push-b1', 'block?ms=60000')),
  unnoticed('pulse writer killed', (run) => restart(run, node(run, 'pulse-2'))),
  unnoticed('balancer killed', (run) => restart(run, node(run, 'lb-2'))),
  unnoticed('balancers frozen', async (run) => {
    const { balancers } = run.installation
    for (const balancer of balancers) balancer.freeze()
    await run.pass(5_000)
    for (const balancer of balancers) balancer.thaw()
  }),
  unnoticed('push node of line A cut off from Kafka', (run) => hold(run, [run.shared.proxies.get('push-a1')!])),
  unnoticed('gateway cut off from Kafka', (run) => hold(run, [run.shared.proxies.get('gw-1')!])),
  unnoticed('balancer cut off from Kafka', (run) => hold(run, [run.shared.proxies.get('lb-1')!])),
  unnoticed('gateways cut off from line B', (run) => hold(run, linksTo(run, 'push-b1'))),
  unnoticed('gateway ended in good order', async (run) => {
    const gateway = node(run, 'gw-2')
    await gateway.terminate()
    await gateway.start()
  }),
  unnoticed('gateway taken offline', (run) => say(run, 'gw-1', 'offline')),
  unnoticed('gateway drained', (run) => say(run, 'gw-2', 'draining')),
  struck('gateway killed', 'gw-2', (run) => restart(run, node(run, 'gw-2'))),
  struck('gateway frozen', 'gw-1', (run) => freeze(run, node(run, 'gw-1'), 6_000)),
  {
    what: 'Kafka frozen',
    allowed: { gateway: null, forMs: LOG_BACK_MS, from: 'healed' },
    strike: async (run) => {
      run.shared.kafka.freeze()
      await run.pass(5_000)
      run.shared.kafka.thaw()
    },
  },
  {
    what: 'all pulse writers killed',
    allowed: { gateway: null, forMs: WRITERS_BACK_MS, from: 'healed' },
    strike: async (run) => {
      // The one whose memory is followed is frozen instead.
      const [kept, killed] = [node(run, 'pulse-1'), node(run, 'pulse-2')]
      kept.freeze()
      await killed.kill()
      await run.pass(5_000)
      kept.thaw()
      await killed.start()
    },
  },
]

function unnoticed(what: string, strike: SoakFault['strike']): SoakFault {
  return { what, allowed: null, strike }
}

function struck(what: string, gateway: string, strike: SoakFault['strike']): SoakFault {
  return { what, allowed: { gateway, forMs: GATEWAY_MS, from: 'blow' }, strike }
}

function node({ installation }: FaultRun, id: string): FaultNode {
  const found = installation.nodes.find((each) => each.id === id)
  if (found === undefined) throw new Error(`there is no node ${id}`)
  return found
}

async function restart(run: FaultRun, node: FaultNode): Promise<void> {
  await node.kill()
  await run.pass(DOWN_MS)
  await node.start()
}

async function freeze(run: FaultRun, node: FaultNode, forMs: number): Promise<void> {
  node.freeze()
  await run.pass(forMs)
  node.thaw()
}

/** Nothing passes, and nobody is told. */
async function hold(run: FaultRun, proxies: readonly TcpProxy[]): Promise<void> {
  for (const proxy of proxies) proxy.hold()
  await run.pass(HELD_MS)
  for (const proxy of proxies) proxy.clear()
}

function linksTo({ installation: { links } }: FaultRun, push: string): TcpProxy[] {
  return [...links].filter(([link]) => link.endsWith(`/${push}`)).map(([, proxy]) => proxy)
}

/** It breaks itself, ends by itself, and is started again. */
async function orderedEnd(run: FaultRun, id: string, fault: string): Promise<void> {
  await orderFault(node(run, id), fault)
  await superviseOnce(node(run, id))
}

async function say(run: FaultRun, id: string, word: 'offline' | 'draining'): Promise<void> {
  const { controlTopic } = run.installation
  await sayWord(run.shared.log, controlTopic, id, word, run.nowMs)
  await run.pass(8_000)
  await sayWord(run.shared.log, controlTopic, id, 'online', run.nowMs)
}
