/** Frames as objects: the exact shape of json.v1, and what both decoders hand out. docs/protocol.md is normative. */
import type { NoticeCode } from './codes.ts'

export const PROTOCOL_VERSION = 1
export const STREAM_PATH = '/v1/stream'
export const ENCODINGS = ['pulsewire.bin.v1', 'pulsewire.json.v1'] as const
export type Encoding = (typeof ENCODINGS)[number]

export type FeedMode = 'latest' | 'every'
export type FeedCodec = 'json' | 'protobuf' | 'raw'

export interface FeedInfo {
  feed: string
  mode: FeedMode
  codec: FeedCodec
  generation: number
  /** 0 while not known yet. */
  partitions: number
  /** Partitions that the sender has; absent: all. */
  carried?: readonly number[]
  /** The feed shows `delayOf` as that was so long ago; absent: it shows what is. */
  delayMs?: number
  delayOf?: string
  /** Names the log that the positions are of: those of different logs cannot be compared. Absent: the only one there is. */
  log?: string
}

/** A field's value. Objects and arrays are passed through as JSON. */
export type FieldValue = string | number | boolean | null | { readonly [key: string]: FieldValue } | readonly FieldValue[]

export interface SubscribeOptions {
  fields?: readonly string[]
  maxRate?: number
  delivery?: FeedMode
  image?: boolean
  /** `every` only: records before now to be replayed, as far as they are held. */
  history?: number
}

export interface HelloFrame {
  t: 'hello'
  client: string
  token?: string
  user?: string
  pulseIntervalMs?: number
  /** The balancer that named this sender. */
  via?: string
  /** `trace` frames are wanted. */
  traces?: boolean
}

export interface SubscribeFrame extends SubscribeOptions {
  t: 'subscribe'
  id: number
  feed: string
  symbols?: readonly string[]
  patterns?: readonly string[]
  groups?: readonly string[]
  from?: Readonly<Record<string, string>>
  /** With `history`, per symbol: a position that the replay reaches back to. */
  since?: Readonly<Record<string, string>>
}

export interface UnsubscribeFrame {
  t: 'unsubscribe'
  id: number
  symbols?: readonly string[]
  patterns?: readonly string[]
}

export interface PulseAckFrame {
  t: 'ack'
  pulse: number
  count: number
  digest: number
}
export interface MarkAckFrame {
  t: 'ack'
  mark: number
}
export interface SyncRequestFrame {
  t: 'sync'
  at: number
}
export interface TokenRequestFrame {
  t: 'token'
  token: string
}
export interface ByeFrame {
  t: 'bye'
}

/** A question for a node of the installation, or a word on one that is under way (`ack`, `cancel`). Both ways. */
export interface AskFrame {
  t: 'ask'
  id: number
  /** Nodes on the way, the next one first, the one that is asked last. Empty: whoever reads this. */
  path?: readonly string[]
  /** Absent in a word on a question that is under way. */
  question?: string
  args?: Readonly<Record<string, string>>
  /** Who asks, for the audit. */
  who?: string
  /** HMAC-SHA-256 by the operator secret, hex. */
  proof?: string
  /** The chunk up to which everything has been taken. */
  ack?: number
  cancel?: boolean
}

/** A part of an answer. Both ways. Without anything but these: the answer is being worked on. */
export interface ToldFrame {
  t: 'told'
  id: number
  /** Who says so: the node that was asked, or the one on the way that could not pass the question on. */
  node: string
  /** Number of the chunk, from 1. */
  seq?: number
  chunk?: string
  /** One of `ASK_CODES`: there is no (whole) answer. */
  code?: string
  message?: string
  last?: boolean
}

/** Everything that a receiver sends. */
export type UpstreamFrame =
  | HelloFrame
  | SubscribeFrame
  | UnsubscribeFrame
  | PulseAckFrame
  | MarkAckFrame
  | SyncRequestFrame
  | TokenRequestFrame
  | ByeFrame
  | AskFrame
  | ToldFrame

export interface WelcomeFrame {
  t: 'welcome'
  session: string
  node: string
  role: string
  version: string
  at: number
  epoch: number
  pulseIntervalMs: number
  staleAfterMs: number
  feeds: readonly FeedInfo[]
  limits: { messageBytesMax: number; subscriptionsMax: number; patternsMax?: number }
  /** Questions may be asked here by whoever has the operator secret: what the proof has to be made for. */
  asks?: string
}
export interface FeedsFrame {
  t: 'feeds'
  feeds: readonly FeedInfo[]
}

export type AnswerState = 'snapshot' | 'recovered' | 'empty' | 'changes'
/** symbol, ref, state */
export type OkRow = readonly [symbol: string, ref: number, state: AnswerState]
/** symbol (or pattern, or group), code, message */
export type RefusedRow = readonly [name: string, code: string, message: string]

export interface SubscribedFrame {
  t: 'subscribed'
  id: number
  ok?: readonly OkRow[]
  refused?: readonly RefusedRow[]
  done?: boolean
}
export interface UnsubscribedFrame {
  t: 'unsubscribed'
  id: number
  ok: readonly string[]
  unknown: readonly string[]
  closed: boolean
}
export interface EndedFrame {
  t: 'ended'
  id: number
  symbols: readonly RefusedRow[]
}
export interface GapFrame {
  t: 'gap'
  ref: number
  after: string
}
/** partition, offset, index into paths, age of the pulse record in ms, per node of the path ms since arrival there */
export type PulseRow = readonly [partition: number, offset: number, path: number, ageMs: number, arrivedAgesMs: readonly number[]]
export interface PulseFrame {
  t: 'pulse'
  pulse: number
  at: number
  feed?: string
  generation?: number
  paths?: readonly (readonly string[])[]
  partitions?: readonly PulseRow[]
}
export interface MarkFrame {
  t: 'mark'
  mark: number
}
export interface StaleFrame {
  t: 'stale'
  feed: string
  partitions?: readonly number[]
  symbols?: readonly string[]
  hop: string
  reason: string
  since: number
  message?: string
}
export interface LiveFrame {
  t: 'live'
  feed: string
  partitions?: readonly number[]
  symbols?: readonly string[]
}
export interface NoticeFrame {
  t: 'notice'
  code: NoticeCode | (string & {})
  message: string
}
export interface SyncFrame {
  t: 'sync'
  echo: number
  at: number
}
export interface TokenFrame {
  t: 'token'
  expiresAt?: number
  refresh?: boolean
}
export interface ErrorFrame {
  t: 'error'
  code: string
  message: string
  id?: number
}
export interface GoodbyeFrame {
  t: 'goodbye'
  code: string
  message: string
  reconnectAfterMs?: number
  addresses?: readonly string[]
}
export interface ResubscribeFrame {
  t: 'resubscribe'
  count: number
  digest: number
}
/** The update right before it is sampled, or stands for a record that is. Sent to who asked for it in `hello`. */
export interface TraceFrame {
  t: 'trace'
  ref: number
  /** As the W3C has it: the sender's own span. */
  traceparent: string
  tracestate?: string
}
/** json.v1 only; bin.v1 has its own form and hands out a `DecodedUpdate`. */
export interface UpdateFrame {
  t: 'update'
  ref: number
  n?: number
  snapshot?: boolean
  symbol: string
  position: string
  ts: number
  prev?: number
  values?: Readonly<Record<string, FieldValue>>
  raw?: string
  deleted?: boolean
}

/** Frames from the sender that carry no quotes and come seldom. */
export type ControlFrame =
  | WelcomeFrame
  | FeedsFrame
  | SubscribedFrame
  | UnsubscribedFrame
  | EndedFrame
  | GapFrame
  | MarkFrame
  | StaleFrame
  | LiveFrame
  | NoticeFrame
  | SyncFrame
  | TokenFrame
  | ErrorFrame
  | GoodbyeFrame
  | ResubscribeFrame
  | AskFrame
  | ToldFrame
  | TraceFrame

/** Everything that a sender sends, as json.v1 shows it. */
export type DownstreamFrame = ControlFrame | UpdateFrame | PulseFrame
