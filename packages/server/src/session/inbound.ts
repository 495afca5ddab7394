import {
  decodeUpstreamBin,
  decodeUpstreamJson,
  ProtocolError,
  type Encoding,
  type PulseAckFrame,
  type RefusalCode,
  type UpstreamFrame,
} from '@pulsewire/protocol'
import { z } from 'zod'

const id = z
  .int()
  .min(1)
  .max(2 ** 31 - 1)
const whole = z.int().min(0)
const names = z.array(z.string())

const hello = z.object({
  t: z.literal('hello'),
  client: z.string().max(128),
  token: z.string().max(8192).optional(),
  user: z.string().max(128).optional(),
  via: z.string().max(256).optional(),
  traces: z.boolean().optional(),
  pulseIntervalMs: z.number().min(0).max(600_000).optional(),
})
const subscribe = z.object({
  t: z.literal('subscribe'),
  id,
  feed: z.string(),
  symbols: names.optional(),
  patterns: names.optional(),
  groups: names.optional(),
  fields: z.array(z.string().min(1).max(128)).min(1).max(256).optional(),
  maxRate: z.number().min(0.1).max(1000).optional(),
  delivery: z.enum(['latest', 'every']).optional(),
  image: z.boolean().optional(),
  history: z.int().min(1).max(10_000).optional(),
  from: z.record(z.string(), z.string()).optional(),
  since: z.record(z.string(), z.string()).optional(),
})
const schemas = {
  hello,
  subscribe,
  unsubscribe: z.object({ t: z.literal('unsubscribe'), id, symbols: names.optional(), patterns: names.optional() }),
  sync: z.object({ t: z.literal('sync'), at: z.number() }),
  token: z.object({ t: z.literal('token'), token: z.string().max(8192) }),
  bye: z.object({ t: z.literal('bye') }),
  ask: z.object({
    t: z.literal('ask'),
    id: whole,
    path: z.array(z.string().max(64)).max(16).optional(),
    question: z.string().max(64).optional(),
    args: z.record(z.string().max(64), z.string().max(1024)).optional(),
    who: z.string().max(128).optional(),
    proof: z.string().max(128).optional(),
    ack: whole.optional(),
    cancel: z.boolean().optional(),
  }),
  told: z.object({
    t: z.literal('told'),
    id: whole,
    node: z.string().max(64),
    seq: whole.optional(),
    chunk: z.string().optional(),
    code: z.string().max(64).optional(),
    message: z.string().optional(),
    last: z.boolean().optional(),
  }),
} as const
const pulseAck = z.object({
  t: z.literal('ack'),
  pulse: whole,
  count: whole,
  digest: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
})
const markAck = z.object({ t: z.literal('ack'), mark: whole })

/** A frame that cannot be handled; the session answers it with `error` and goes on. */
export interface BadFrame {
  readonly t: 'bad'
  readonly code: RefusalCode
  readonly message: string
  readonly id?: number
}

/**
 * Reads one message of a receiver: each frame checked, or a `BadFrame` that says what is wrong with it.
 * @throws ProtocolError when a binary message cannot even be split into frames.
 */
export function readInbound(encoding: Encoding, message: Uint8Array | string): (UpstreamFrame | BadFrame)[] {
  if (encoding === 'pulsewire.bin.v1') {
    if (typeof message === 'string') throw new ProtocolError('a text message on a binary session')
    return decodeUpstreamBin(message).map(check)
  }
  if (typeof message !== 'string') throw new ProtocolError('a binary message on a JSON session')
  try {
    return decodeUpstreamJson(message).map(check)
  } catch (error) {
    if (error instanceof ProtocolError) return [{ t: 'bad', code: 'bad_frame', message: 'the message is not JSON' }]
    throw error
  }
}

function check(frame: unknown): UpstreamFrame | BadFrame {
  if (typeof frame !== 'object' || frame === null || !('t' in frame) || typeof frame.t !== 'string') {
    return { t: 'bad', code: 'bad_frame', message: 'a frame is an object with a string member t' }
  }
  // Nearly all that comes: one acknowledgement a second of every receiver.
  if (frame.t === 'ack' && isPulseAck(frame)) return frame
  const schema = frame.t === 'ack' ? ('mark' in frame ? markAck : pulseAck) : own(frame.t)
  if (schema === undefined) return { t: 'bad', code: 'unknown_frame', message: `no frame is called ${quote(frame.t)}` }
  const parsed = schema.safeParse(frame)
  if (parsed.success) return parsed.data as UpstreamFrame
  const issue = parsed.error.issues[0]
  const where = issue === undefined || issue.path.length === 0 ? '' : `.${issue.path.join('.')}`
  const bad = { t: 'bad', code: 'bad_frame', message: `${frame.t}${where}: ${issue?.message ?? 'invalid'}` } as const
  return 'id' in frame && Number.isSafeInteger(frame.id) ? { ...bad, id: frame.id as number } : bad
}

/** The same as the schema says, without its cost. */
function isPulseAck(frame: object): frame is PulseAckFrame {
  const { mark, pulse, count, digest } = frame as Readonly<Record<string, unknown>>
  return mark === undefined && isWhole(pulse) && isWhole(count) && isWhole(digest) && digest < 2 ** 32
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function own(name: string) {
  return Object.hasOwn(schemas, name) ? schemas[name as keyof typeof schemas] : undefined
}

/** What a peer sent, safe to show. */
function quote(text: string): string {
  return JSON.stringify(text.length > 32 ? `${text.slice(0, 32)}…` : text)
}
