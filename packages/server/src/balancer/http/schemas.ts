/** What the HTTP API takes and gives. Checked at both ends, and the source of the OpenAPI description. */
import * as z from 'zod'
import { BALANCER_ERROR_CODES, type BalancerErrorCode } from './errors.ts'
import { DEGRADED_REASONS, VERDICT_REASONS, type DegradedReason, type VerdictReason } from '../verdict/reasons.ts'

const namePattern = /^[A-Za-z0-9._-]{1,64}$/

function name(description: string) {
  return z.string().regex(namePattern, 'expected 1 to 64 letters, digits, dots, dashes or underscores').describe(description)
}

function oneOf<T extends string>(table: Readonly<Record<T, unknown>>) {
  return z.enum(Object.keys(table) as [T, ...T[]])
}

export const timestamp = (description: string) => z.number().describe(`${description}, in ms since 1970 by the clock of this balancer`)
export const duration = (description: string) => z.number().min(0).describe(`${description}, in ms`)
export const track = z.enum(['stable', 'grey'])

export const gatewaysQuery = z.strictObject({
  zone: z.exactOptional(name('Data centre that the client is in: its gateways come first.')),
  track: z
    .exactOptional(track)
    .describe('Of a client that was put on a track: it gets no other gateways, nor do others get its. Absent: the grey release says.'),
  user: z.exactOptional(
    z
      .string()
      .min(1, 'expected 1 to 1024 characters')
      .max(1024, 'expected 1 to 1024 characters')
      .describe('The user, who may take part in a grey release. Absent: the client does not.'),
  ),
  refused: z
    .enum(['true', 'false'])
    .default('false')
    .describe('`true` when a gateway has just refused the client: it is sent after the crowd that is there.'),
  client: z.exactOptional(
    z
      .string()
      .min(1, 'expected 1 to 1024 characters')
      .max(1024, 'expected 1 to 1024 characters')
      .describe(
        'Who asks, name and version: remembered beside the answer, where a user is named, for `pulsewire sessions`. Nothing depends on it.',
      ),
  ),
})

export const degradation = z.object({
  code: oneOf<DegradedReason>(DEGRADED_REASONS),
  message: z.string(),
  sinceMs: timestamp('Since when'),
})

export const gatewaysAnswer = z
  .object({
    gateways: z
      .array(
        z.object({
          node: z.string().describe('Name of the gateway.'),
          address: z.string().describe('Where to connect: a WebSocket address without the path.'),
          zone: z.string().describe('Data centre that it stands in.'),
        }),
      )
      .min(1)
      .describe('Best first; a client tries them in this order.'),
    ttlMs: duration('How long the list may be used for a new connection without asking again'),
    connectAfterMs: duration('How long to wait before connecting to the first of them, so that it is not refused'),
    track: track.describe('Track of these gateways.'),
    degraded: z.boolean().describe('The list is the best there is, but nobody vouches for it; `reasons` says why.'),
    reasons: z.array(degradation),
    balancer: z.string().describe('Name of the balancer that answers.'),
  })
  .meta({ description: 'Where to connect.' })

export const view = z.object({ state: z.enum(['loading', 'current', 'degraded']), sinceMs: timestamp('Since when') })

export const saying = z.object({
  by: z.exactOptional(z.string().describe('User and host, as they called themselves.')),
  atMs: z.number().describe('By their clock, Unix time in ms.'),
})

export const reason = z.object({
  code: oneOf<VerdictReason>(VERDICT_REASONS),
  feed: z.exactOptional(z.string().describe('The feed that it is about; absent: the node as a whole.')),
  message: z.string(),
  sinceMs: timestamp('Since when'),
})

const entry = z.object({
  enteredAtMs: timestamp('When a new session was let in, and served, last'),
  failure: z.nullable(z.string().describe('Why the newest one was not; `null`: it was.')),
  withinMs: duration('Within which one has to be'),
})

const probe = z
  .object({
    address: z.string(),
    state: z.enum(['connecting', 'open', 'failed']),
    sinceMs: timestamp('Since when'),
    failures: z.int().min(0).describe('Attempts that failed in a row.'),
    failure: z.nullable(z.string().describe('Why the last attempt, or session, ended.')),
    entry: z.nullable(entry).describe('Whether somebody new is let in beside the session of the probe.'),
    answeredBy: z.nullable(z.object({ node: z.string(), role: z.string(), version: z.string() })).describe('Who answers at the address.'),
    roundTripMs: z.nullable(duration('Round trip')),
    feeds: z.array(
      z.object({
        feed: z.string(),
        generation: z.int(),
        partitions: z.int().min(0).describe('0: not known yet.'),
        partitionsHeard: z.int().min(0).describe('Of how many of them a pulse has come.'),
        pulseAgeMs: z.nullable(duration('Age of the newest pulse of the partition where it is oldest')),
      }),
    ),
  })
  .describe("What this balancer's synthetic client has seen of a gateway.")

export const verdict = z
  .object({
    node: z.string(),
    role: z.enum(['push', 'gateway', 'balancer', 'pulse']),
    handedOut: z.boolean().describe('It is to be used: a gateway is given to clients.'),
    degraded: z.boolean().describe('It is handed out against its reasons, for want of better.'),
    sinceMs: timestamp('Since when `handedOut` is what it is'),
    reasons: z.array(reason).describe('Everything that speaks against it, gravest first.'),
    zone: z.string(),
    otherZone: z.exactOptional(
      z.string().describe('The zone whose log is its own, as `balancer.otherZones` names it; absent: it has the log of this balancer.'),
    ),
    track,
    line: z.exactOptional(z.enum(['A', 'B'])),
    version: z.string(),
    addresses: z.array(z.string()),
    word: z.enum(['online', 'offline', 'draining']).describe("The operator's word on it."),
    told: z.exactOptional(saying).describe('Who said so, and when; absent: nobody said anything.'),
    lease: z.object({
      state: z.enum(['live', 'expired', 'left', 'kept']),
      incarnation: z.number(),
      beatAgeMs: duration('Time since its newest beat'),
      ready: z.boolean(),
      draining: z.boolean(),
    }),
    load: z.object({ sessions: z.number(), sessionsMax: z.number(), busy: z.number() }),
    probe: z.nullable(probe).describe('`null` for a node that is not probed.'),
  })
  .describe('What this balancer thinks of one node.')

export const verdictsQuery = z.strictObject({})

export const verdictsAnswer = z
  .object({
    balancer: z.string(),
    atMs: timestamp('When this was judged'),
    view: view.describe('The directory.'),
    degraded: z.array(degradation.extend({ track })).describe('Tracks whose answers are degraded, and why.'),
    verdicts: z.array(verdict),
  })
  .meta({ description: 'Every node that the directory knows.' })

export const errorAnswer = z
  .object({
    code: oneOf<BalancerErrorCode>(BALANCER_ERROR_CODES),
    message: z.string(),
    problems: z.exactOptional(z.array(z.string()).describe('Every mistake in the query.')),
    retryAfterMs: z.exactOptional(duration('When asking again may help')),
  })
  .meta({ description: 'Why there is no answer; docs/errors.md lists the codes.' })

export const probeAnswer = z.string()

export type GatewaysAnswer = z.output<typeof gatewaysAnswer>
export type VerdictsAnswer = z.output<typeof verdictsAnswer>
export type VerdictRow = z.output<typeof verdict>
export type ErrorAnswer = z.output<typeof errorAnswer>
