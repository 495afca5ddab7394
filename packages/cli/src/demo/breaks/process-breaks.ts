/** What is done to a node's process: real signals, and orders that it takes from loopback (faults.enabled). */
import { PulsewireError } from '@pulsewire/server'
import type { ChildNode } from '../child-node.ts'
import { BreakRefused, type Break } from './break.ts'
import type { Story } from './story.ts'

const HEALS_AFTER_MS = 120_000
/** Longer than the watchdog lets it stand. */
const BLOCK_MS = 30_000
const ORDER_TIMEOUT_MS = 3000

export interface NodesOfDemo {
  of(id: string): ChildNode
  /** Ids of the nodes of a role. */
  all(...roles: string[]): string[]
}

export function freeze(nodes: NodesOfDemo, story: Story): Break {
  return {
    id: 'freeze',
    title: 'Freeze a node',
    does: 'SIGSTOP. Its sockets stay open.',
    watch: 'Its hops turn stale and it is evicted. The other line goes on: no quote is missed.',
    targets: nodes.all('push', 'gateway'),
    act: 'Freeze',
    undo: 'Thaw',
    healsAfterMs: HEALS_AFTER_MS,
    async begin(target) {
      signal(nodes.of(target), 'SIGSTOP')
      story.tell(`${target} is frozen (SIGSTOP)`, 'plain', target)
      return {
        end: () => {
          signal(nodes.of(target), 'SIGCONT')
          story.tell(`${target} goes on (SIGCONT)`, 'plain', target)
        },
      }
    },
  }
}

export function leakLock(nodes: NodesOfDemo, story: Story): Break {
  return {
    id: 'leak',
    title: 'Leak a lock',
    does: 'It takes the intake lock for ever.',
    watch: 'The watchdog names the section and its holder, and ends the process; it is started again.',
    targets: nodes.all('push'),
    act: 'Leak',
    undo: null,
    healsAfterMs: HEALS_AFTER_MS,
    async begin(target) {
      const node = nodes.of(target)
      await orderFault(node, 'leak?section=intake%20quote')
      story.tell(`${target}: a lock is taken and never released`, 'plain', target)
      return { end: () => {}, healed: node.restarted() }
    },
  }
}

export function blockLoop(nodes: NodesOfDemo, story: Story): Break {
  return {
    id: 'block',
    title: 'Block an event loop',
    does: 'It spins, and answers nobody.',
    watch: 'Clients move to another gateway. The watchdog thread says where it stands, and ends it.',
    targets: nodes.all('gateway', 'push'),
    act: 'Block',
    undo: null,
    healsAfterMs: HEALS_AFTER_MS,
    async begin(target) {
      const node = nodes.of(target)
      await orderFault(node, `block?ms=${BLOCK_MS}`)
      story.tell(`${target}: its event loop is blocked`, 'plain', target)
      return { end: () => {}, healed: node.restarted() }
    },
  }
}

export function dropSubscription(nodes: NodesOfDemo, story: Story, symbols: readonly string[]): Break {
  return {
    id: 'drop',
    title: 'Drop a subscription',
    does: 'Gateways forget it, and say nothing.',
    watch: 'With the next pulses the digests differ, and it is repaired within 5 s.',
    targets: symbols,
    act: 'Drop',
    undo: null,
    healsAfterMs: 8000,
    async begin(target) {
      const answers = await Promise.allSettled(
        nodes.all('gateway').map((id) => orderFault(nodes.of(id), `lose-subscription?symbol=${encodeURIComponent(target)}`)),
      )
      const [refused] = answers.filter((answer) => answer.status === 'rejected')
      if (refused !== undefined && answers.every(({ status }) => status === 'rejected')) throw refused.reason
      story.tell(`gateways have lost what their clients subscribe to of ${target}`)
      return { end: () => {} }
    },
  }
}

function signal(node: ChildNode, name: NodeJS.Signals): void {
  const { pid } = node
  if (pid === undefined) throw new BreakRefused(`${node.node.id} does not run now`)
  process.kill(pid, name)
}

async function orderFault(node: ChildNode, order: string): Promise<void> {
  const address = `http://127.0.0.1:${node.node.faultsPort}/v1/faults/${order}`
  try {
    const response = await fetch(address, { method: 'POST', signal: AbortSignal.timeout(ORDER_TIMEOUT_MS) })
    if (!response.ok) throw new BreakRefused((await response.text()).trim())
  } catch (error) {
    if (error instanceof BreakRefused || error instanceof PulsewireError) throw error
    throw new BreakRefused(`${node.node.id} takes no orders now`)
  }
}
