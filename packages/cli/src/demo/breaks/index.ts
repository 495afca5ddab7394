import { type EmbeddedLog, systemClock } from '@pulsewire/server'
import type { ChildNode } from '../child-node.ts'
import type { MarketPump } from '../market-pump.ts'
import { Breaks } from './breaks.ts'
import { pinToOldTopic, stopLog, takeOffline } from './log-breaks.ts'
import { blockLoop, dropSubscription, freeze, leakLock, type NodesOfDemo } from './process-breaks.ts'
import { slowClient } from './slow-client.ts'
import type { Story } from './story.ts'

export { Breaks } from './breaks.ts'
export { denial, serveBreaks } from './http.ts'
export { Story } from './story.ts'

export interface DemoParts {
  readonly nodes: readonly ChildNode[]
  readonly log: EmbeddedLog
  readonly pump: MarketPump
  readonly story: Story
}

/** All that can be broken in a demonstration. */
export function breaksOf({ nodes, log, pump, story }: DemoParts): Breaks {
  const known: NodesOfDemo = {
    of: (id) => nodes.find(({ node }) => node.id === id)!,
    all: (...roles) => roles.flatMap((role) => nodes.filter(({ node }) => node.role === role).map(({ node }) => node.id)),
  }
  const gateways = new Map(nodes.filter(({ node }) => node.role === 'gateway').map(({ node }) => [node.id, `ws://127.0.0.1:${node.port}`]))
  const breaks = [
    freeze(known, story),
    leakLock(known, story),
    blockLoop(known, story),
    takeOffline(log, known),
    pinToOldTopic(log, known, pump, story),
    dropSubscription(known, story, pump.busiest),
    stopLog(log, story),
    slowClient(gateways, story),
  ]
  return new Breaks(breaks, story, () => systemClock.nowMs())
}
