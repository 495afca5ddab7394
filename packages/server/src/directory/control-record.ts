/**
 * Records of the control topic. The key says of whom (`lease/gw-1`, `word/gw-1`, `feed/quote`,
 * `revoke/DIGEST`, `grey/release`, `stop/grey`), the value is JSON with a
 * format version `v`. Whoever adds a member that may be missing leaves `v` as it is; whoever changes what one means
 * raises it, and older readers then ignore the record. `control-records.vectors.json` holds what was ever written.
 */
import * as z from 'zod'
import type { LogAppend } from '../log/index.ts'
import { DirectoryError } from '../runtime/errors.ts'
import type { CatalogueFeed } from './directory.ts'
import { GREY_REASON_CHARS_MAX, GREY_USERS_MAX, type GreyRelease, type GreyStop } from './grey.ts'
import type { Lease, NodeWord } from './lease.ts'
import { type Revocation, revocationKey } from './revocations.ts'
import { BY_CHARS_MAX, type Saying } from './saying.ts'

/** Of what this version writes, and the newest that it reads. */
export const CONTROL_FORMAT = 1

const KINDS = ['lease', 'word', 'feed', 'revoke', 'grey', 'stop'] as const
export type ControlKind = (typeof KINDS)[number]

/** What an operator said of a node. */
export interface Word extends Saying {
  readonly word: NodeWord
  /** When it was said, Unix time of whoever said it, and later than what was said before: of two the later one holds. */
  readonly atMs: number
}

export type IgnoredWhy = 'unknown_key' | 'newer_version' | 'malformed'

export type ControlRecord =
  /** `left`: the node said goodbye with it. */
  | { readonly kind: 'lease'; readonly name: string; readonly lease: Lease; readonly left: boolean }
  | { readonly kind: 'word'; readonly name: string; readonly word: Word }
  | { readonly kind: 'feed'; readonly name: string; readonly feed: CatalogueFeed }
  | { readonly kind: 'revoke'; readonly name: string; readonly revocation: Revocation }
  | { readonly kind: 'grey'; readonly name: string; readonly release: GreyRelease }
  | { readonly kind: 'stop'; readonly name: string; readonly stop: GreyStop }
  /** A tombstone. */
  | { readonly kind: 'removed'; readonly of: ControlKind; readonly name: string }
  | { readonly kind: 'ignored'; readonly why: IgnoredWhy; readonly key: string; readonly problem: string }

/** What holds until something newer is said, whatever becomes of the topic. */
export type LastingRecord = Extract<ControlRecord, { kind: 'word' | 'feed' | 'revoke' | 'grey' | 'stop' }>

/**
 * A push node has 64 feeds at most and as many delayed ones, each twice while it moves: 256. A gateway has those of all of its
 * push nodes.
 */
const LEASED_FEEDS_MAX = 1024
/** More than any gateway has. */
const LEASED_LINKS_MAX = 64
/** Of what a lease says is stuck. */
export const FAULT_CHARS_MAX = 300

const NAME = /^[A-Za-z0-9._-]{1,64}$/
const name = z.string().regex(NAME)
const whole = z.int().min(0)
const generation = z.int().min(1)

const leaseValue = z.object({
  left: z.exactOptional(z.boolean()),
  role: z.enum(['push', 'gateway', 'balancer', 'pulse']),
  incarnation: whole,
  beat: whole,
  lifeMs: z.int().min(1),
  zone: name,
  track: z.enum(['stable', 'grey']),
  line: z.exactOptional(z.enum(['A', 'B'])),
  version: z.string().max(64),
  addresses: z.array(z.string().max(512)).max(16),
  feeds: z
    .array(
      z.object({
        feed: name,
        generation,
        topic: z.exactOptional(z.string().max(249)),
        partitions: z.exactOptional(z.array(whole)),
        pulseAgeMs: z.number().nullable(),
        unreadable: z.exactOptional(z.number().min(0).max(1)),
        delayOf: z.exactOptional(z.string().min(1).max(64)),
        delayMs: z.exactOptional(whole),
      }),
    )
    .max(LEASED_FEEDS_MAX),
  load: z.object({ sessions: whole, sessionsMax: whole, busy: z.number().min(0).max(1) }),
  ready: z.boolean(),
  draining: z.boolean(),
  links: z.exactOptional(
    z
      .array(
        z.object({
          node: z.string().max(512),
          line: z.string().max(64),
          state: z.enum(['connecting', 'open', 'waiting']),
          pulseAgeMs: z.number().nullable(),
        }),
      )
      .max(LEASED_LINKS_MAX),
  ),
  fault: z.exactOptional(z.string().max(FAULT_CHARS_MAX)),
  vitals: z.exactOptional(z.object({ uptimeMs: z.number().min(0), loopDelayMs: z.number().min(0), memoryBytes: z.number().min(0) })),
  watchdog: z.exactOptional(z.string().max(512)),
  service: z.exactOptional(
    z.object({ opened: whole, disconnects: whole, errors: whole, latencyCount: whole, latencySumMs: z.number().min(0) }),
  ),
})

const by = z.exactOptional(z.string().max(BY_CHARS_MAX))

const wordValue = z.object({ word: z.enum(['online', 'offline', 'draining']), atMs: z.number(), by })

const generationValue = z.object({
  generation,
  topic: z.string().min(1).max(249),
  brokers: z.exactOptional(z.array(z.string().min(1).max(512)).min(1)),
  fromMs: z.exactOptional(whole),
})
const feedValue = z.object({
  current: generationValue,
  next: generationValue.nullable(),
  retired: z.array(generationValue),
  revision: whole,
  said: z.exactOptional(z.object({ atMs: whole, by })),
})

const revocationValue = z.object({
  of: z.enum(['user', 'jti']),
  name: z.string().min(1).max(512),
  atMs: whole,
  untilMs: whole,
  by,
})

const greyValue = z.object({
  percent: z.number().min(0).max(100),
  users: z.array(z.string().max(64)).max(GREY_USERS_MAX),
  atMs: whole,
  guarded: z.exactOptional(z.boolean()),
  by,
})

const stopValue = z.object({
  of: whole,
  by: z.string().min(1).max(64),
  reason: z.string().max(GREY_REASON_CHARS_MAX),
  atMs: whole,
})

const VALUES = { lease: leaseValue, word: wordValue, feed: feedValue, revoke: revocationValue, grey: greyValue, stop: stopValue } as const

/** There is one release at a time. */
const GREY_NAME = 'release'
/** Under a key of its own, so that it never takes the place of what an operator says at the same moment. */
const STOP_NAME = 'grey'

/** A beat of the node, or its last one when it says goodbye. */
export function encodeLease({ node, ...lease }: Lease, left = false): LogAppend {
  return encode('lease', node, left ? { left, ...lease } : lease)
}

export function encodeWord(node: string, word: Word): LogAppend {
  return encode('word', node, word)
}

export function encodeFeed({ feed, ...value }: CatalogueFeed): LogAppend {
  return encode('feed', feed, value)
}

export function encodeRevocation(revocation: Revocation): LogAppend {
  return encode('revoke', revocationKey(revocation.of, revocation.name), revocation)
}

export function encodeGrey(release: GreyRelease): LogAppend {
  return encode('grey', GREY_NAME, release)
}

/** No tombstone: whoever was away for longer than those are kept would never hear of it. */
export function encodeGreyOff(atMs: number, by?: string): LogAppend {
  return encodeGrey({ percent: 0, users: [], atMs, ...(by === undefined ? {} : { by }) })
}

export function encodeGreyStop(stop: GreyStop): LogAppend {
  return encode('stop', STOP_NAME, stop)
}

export function encodeRemoval(kind: ControlKind, of: string): LogAppend {
  return { key: `${kind}/${of}`, value: null }
}

/** Never throws: what it cannot make sense of is `ignored`, with the reason. */
export function decodeControl(keyBytes: Uint8Array | null, value: Uint8Array | null): ControlRecord {
  const key = keyBytes === null ? '' : Buffer.from(keyBytes).toString('utf8')
  const slash = key.indexOf('/')
  const kind = KINDS.find((known) => known === key.slice(0, slash))
  const of = key.slice(slash + 1)
  if (kind === undefined || !NAME.test(of)) return ignored('unknown_key', key, 'no key of this version')
  if (value === null) return { kind: 'removed', of: kind, name: of }
  const tree = parse(value)
  if (tree === undefined) return ignored('malformed', key, 'no JSON object with a version v')
  if (tree.v > CONTROL_FORMAT) return ignored('newer_version', key, `version ${tree.v}, this node reads up to ${CONTROL_FORMAT}`)
  if (kind === 'word') return read(key, wordValue, tree, (word) => ({ kind, name: of, word }))
  if (kind === 'revoke') return read(key, revocationValue, tree, (revocation) => ({ kind, name: of, revocation }))
  if (kind === 'grey') return read(key, greyValue, tree, (release) => ({ kind, name: of, release }))
  if (kind === 'stop') return read(key, stopValue, tree, (stop) => ({ kind, name: of, stop }))
  if (kind === 'feed') return read(key, feedValue, tree, (feed) => ({ kind, name: of, feed: { feed: of, ...feed } }))
  return read(key, leaseValue, tree, ({ left = false, ...lease }) => ({ kind, name: of, lease: { node: of, ...lease }, left }))
}

/** @throws DirectoryError `control_record_invalid` for what `decodeControl` would take for malformed, at every node that reads it. */
function encode(kind: ControlKind, of: string, value: object): LogAppend {
  const key = `${kind}/${of}`
  const issue = NAME.test(of) ? VALUES[kind].safeParse(value).error?.issues[0] : { path: ['name'], message: 'it cannot be a key' }
  if (issue !== undefined)
    throw new DirectoryError('control_record_invalid', `${key} cannot be written: ${issue.path.join('.')}: ${issue.message}`)
  return { key, value: JSON.stringify({ v: CONTROL_FORMAT, ...value }) }
}

function parse(value: Uint8Array): { readonly v: number } | undefined {
  try {
    const tree = JSON.parse(Buffer.from(value).toString('utf8')) as { v?: unknown } | null
    return Number.isSafeInteger(tree?.v) && (tree!.v as number) >= 1 ? (tree as { v: number }) : undefined
  } catch {
    return undefined
  }
}

function read<T>(key: string, schema: z.ZodType<T>, tree: object, make: (value: T) => ControlRecord): ControlRecord {
  const result = schema.safeParse(tree)
  if (result.success) return make(result.data)
  const issue = result.error.issues[0]!
  return ignored('malformed', key, `${issue.path.join('.')}: ${issue.message}`)
}

function ignored(why: IgnoredWhy, key: string, problem: string): ControlRecord {
  return { kind: 'ignored', why, key: key.slice(0, 100), problem }
}
