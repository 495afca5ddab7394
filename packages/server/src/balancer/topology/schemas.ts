/** The topology and its events, as the HTTP API gives them. */
import * as z from 'zod'
import { duration, degradation, saying, timestamp, track, verdict, view } from '../http/schemas.ts'

const pulseAge = (description: string) => z.nullable(duration(description)).describe('`null`: none has come.')

const nodeFeed = z.object({
  feed: z.string(),
  generation: z.int(),
  topic: z.exactOptional(z.string().describe('Topic that it reads, or writes pulses into.')),
  partitions: z.exactOptional(z.array(z.int()).describe('Partitions that it reads; absent: all that there are.')),
  pulseAgeMs: pulseAge('Age of the newest pulse of the partition where it is oldest, as its lease says'),
})

const link = z
  .object({
    node: z.string().describe('The push node, or its address until somebody has answered there.'),
    line: z.string(),
    state: z.enum(['connecting', 'open', 'waiting']),
    pulseAgeMs: pulseAge('Age of the newest pulse that came on this link, of the partition where it is oldest'),
  })
  .describe('A link of a gateway to a push node.')

const topologyNode = verdict
  .extend({
    feeds: z.array(nodeFeed),
    links: z.array(link),
    fault: z.nullable(z.string()).describe('What in it is stuck, in a sentence.'),
    vitals: z
      .nullable(
        z.object({
          uptimeMs: duration('Since its process started'),
          loopDelayMs: duration('The longest that its event loop kept anything waiting in the last second'),
          memoryBytes: z.number().describe('Resident memory of its process.'),
        }),
      )
      .describe('`null` for a node of a version that does not say.'),
  })
  .describe('One node: the verdict on it, what it serves and how it fares.')

const topologyFeed = z.object({
  feed: z.string(),
  generation: z.int().describe('The one that counts.'),
  topic: z.nullable(z.string()),
  said: z.exactOptional(saying).describe('Who said so in the catalogue last, and when.'),
  next: z.nullable(z.object({ generation: z.int(), topic: z.string() })).describe('Opened beside it: a migration is under way.'),
  partitions: z.array(z.object({ pulseAgeMs: pulseAge('Age of the newest pulse that any gateway brought') })).describe('By number.'),
})

const trackRow = z
  .object({
    track,
    gateways: z.int().describe('That have a lease.'),
    sessions: z.int(),
    looks: z.int().describe('Seconds that the figures rest on.'),
    freshnessMs: z.nullable(duration('Mean delay of pulses from the log to this balancer’s probes')).describe('`null`: nothing was heard.'),
    latencyMs: z.nullable(duration('Mean time from a record until it is sent')).describe('`null`: nothing was sent.'),
    errorRate: z.number().describe('Sessions that a fault of the gateway ended, per 1,000 sessions and minute.'),
    disconnectRate: z.number().describe('Sessions that ended although neither side meant it, per 1,000 sessions and minute.'),
  })
  .describe('How the gateways of a track did in the newest window.')

const greyRelease = z
  .object({
    percent: z.number(),
    users: z.int().describe('How many are named.'),
    setAtMs: z.number().describe('When an operator set it, Unix time in ms.'),
    setBy: z.exactOptional(z.string().describe('Who did: user and host, as they called themselves.')),
    guarded: z.boolean().describe('Whether balancers stop it when it is worse.'),
    worse: z
      .array(z.object({ measure: z.string(), message: z.string(), sinceMs: timestamp('Since when') }))
      .describe('In what grey is worse than it may be.'),
    stopped: z
      .nullable(z.object({ by: z.string(), reason: z.string(), atMs: z.number() }))
      .describe('Who stopped it, and why; `null`: it goes on.'),
  })
  .describe('The grey release.')

export const topologyAnswer = z
  .object({
    balancer: z.string(),
    atMs: timestamp('When this was so'),
    view: view.describe('The directory.'),
    degraded: z.array(degradation.extend({ track })).describe('Tracks whose answers are degraded, and why.'),
    tracks: z.array(trackRow).describe('Side by side where there are gateways of track grey.'),
    grey: z.nullable(greyRelease).describe('`null`: nobody takes part.'),
    feeds: z.array(topologyFeed),
    otherZones: z.exactOptional(
      z
        .array(z.object({ zone: z.string(), view: view.describe('Of its control topic.'), feeds: z.array(topologyFeed) }))
        .describe('Zones whose logs are their own (`balancer.otherZones`), with their feeds; absent: there are none.'),
    ),
    nodes: z.array(topologyNode),
  })
  .meta({ description: 'The installation, as this balancer knows it.' })

/** What can happen, and what it means; docs/balancer.md lists the same; a test keeps both equal. */
export const TOPOLOGY_EVENTS = {
  node_joined: 'A node beats that was not known before.',
  node_left: 'A node said goodbye.',
  node_lost: 'The lease of a node ran out.',
  node_returned: 'A node beats again whose lease had run out.',
  node_restarted: 'A node beats as another process than before.',
  evicted: 'A node is not used any more.',
  reasons_changed: 'Something else than before speaks against a node that is not used.',
  rejoined: 'A node is used, for the first time or again.',
  word: 'An operator said something of a node.',
  draining: 'A node asks its receivers to move.',
  fault: 'Something in a node is stuck.',
  fault_over: 'Nothing in a node is stuck any more.',
  loop_stalled: 'The event loop of a node stood still for a second or more.',
  link_stale: 'A link of a gateway brings no pulses any more.',
  link_fresh: 'A link of a gateway brings pulses again.',
  rebalanced: 'A push node has taken over partitions from another one of its line.',
  migration_opened: 'A feed is being moved: its next topic is open beside the current one.',
  migration_switched: 'A feed has moved: another generation counts.',
  migration_dropped: 'The move of a feed was given up.',
  partition_stale: 'Pulses of a partition reach no gateway any more.',
  partition_fresh: 'Pulses of a partition come through again.',
  view_degraded: 'The control topic brings nothing: nobody is judged by silence.',
  view_current: 'The control topic brings news again.',
  hand_out_degraded: 'Clients are given the best there is, which nobody vouches for.',
  hand_out_proven: 'Clients are given proven gateways again.',
  grey_set: 'An operator said who takes part in a grey release.',
  grey_off: 'An operator ended the grey release.',
  grey_worse: 'The grey track is worse than the stable one by more than it may be.',
  grey_stopped: 'A balancer stopped the grey release, because it was worse.',
} as const

export type TopologyEventKind = keyof typeof TOPOLOGY_EVENTS

export const eventsQuery = z.strictObject({
  since: z.coerce.number().int().min(0).default(0).describe('Number of the last event that is known already.'),
})

const topologyEvent = z.object({
  id: z.int().describe('Grows by one with each event.'),
  atMs: timestamp('When it was noticed'),
  kind: z.enum(Object.keys(TOPOLOGY_EVENTS) as [TopologyEventKind, ...TopologyEventKind[]]),
  tone: z.enum(['good', 'bad', 'plain']).describe('Whether it is bad news.'),
  node: z.exactOptional(z.string()),
  feed: z.exactOptional(z.string()),
  message: z.string(),
})

export const eventsAnswer = z
  .object({
    balancer: z.string(),
    startedAtMs: timestamp('When this balancer began to count'),
    atMs: timestamp('When this was asked'),
    events: z.array(topologyEvent).describe('Oldest first; the newest that are kept.'),
    last: z.int().describe('Number of the newest event, to be given as `since`.'),
  })
  .meta({ description: 'What has happened since.' })

export type Topology = z.output<typeof topologyAnswer>
export type TopologyNode = z.output<typeof topologyNode>
export type TopologyFeed = z.output<typeof topologyFeed>
export type TopologyEvent = z.output<typeof topologyEvent>
export type EventsAnswer = z.output<typeof eventsAnswer>
