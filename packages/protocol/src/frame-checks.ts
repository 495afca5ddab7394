/**
 * Whether what a sender sent has the shape of `frames.ts`, so that everybody behind a decoder may rely on the types.
 * Members that are not named here are not looked at.
 */
import { ProtocolError } from './decoder.ts'
import type { ControlFrame, PulseFrame, UpdateFrame } from './frames.ts'

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
const flag: Check = (value) => typeof value === 'boolean'
/** JSON has no NaN, but a number as large as 1e999 reads as Infinity. */
const number: Check = (value) => Number.isFinite(value)
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

const texts: Check = (value) => object(value) && Object.values(value as object).every(text)

function optional(check: Check): Check {
  return (value) => value === undefined || check(value)
}

function list(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check)
}

/** An array that begins with these; more may follow. */
function row(...checks: readonly Check[]): Check {
  return (value) => Array.isArray(value) && checks.every((check, index) => check(value[index]))
}

function shape(members: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(members)
  return (value) => object(value) && entries.every(([name, check]) => check((value as Record<string, unknown>)[name]))
}

const feeds = list(
  shape({
    feed: text,
    mode: text,
    codec: text,
    generation: count,
    partitions: count,
    carried: optional(list(count)),
    delayMs: optional(count),
    delayOf: optional(text),
    log: optional(text),
  }),
)
const refused = row(text, text, text)

const CONTROL: Readonly<Record<ControlFrame['t'], Check>> = {
  welcome: shape({
    session: text,
    node: text,
    role: text,
    version: text,
    at: number,
    epoch: count,
    pulseIntervalMs: number,
    staleAfterMs: number,
    feeds,
    limits: shape({ messageBytesMax: count, subscriptionsMax: count }),
    asks: optional(text),
  }),
  feeds: shape({ feeds }),
  subscribed: shape({
    id: count,
    ok: optional(list(row(text, count, text))),
    refused: optional(list(refused)),
    done: optional(flag),
  }),
  unsubscribed: shape({ id: count, ok: list(text), unknown: list(text), closed: flag }),
  ended: shape({ id: count, symbols: list(refused) }),
  gap: shape({ ref: count, after: text }),
  mark: shape({ mark: count }),
  stale: shape({
    feed: text,
    partitions: optional(list(count)),
    symbols: optional(list(text)),
    hop: text,
    reason: text,
    since: number,
    message: optional(text),
  }),
  live: shape({ feed: text, partitions: optional(list(count)), symbols: optional(list(text)) }),
  notice: shape({ code: text, message: text }),
  sync: shape({ echo: number, at: number }),
  token: shape({ expiresAt: optional(number), refresh: optional(flag) }),
  error: shape({ code: text, message: text, id: optional(number) }),
  goodbye: shape({ code: text, message: text, reconnectAfterMs: optional(number), addresses: optional(list(text)) }),
  resubscribe: shape({ count, digest: count }),
  ask: shape({
    id: count,
    path: optional(list(text)),
    question: optional(text),
    args: optional(texts),
    who: optional(text),
    proof: optional(text),
    ack: optional(count),
    cancel: optional(flag),
  }),
  trace: shape({ ref: count, traceparent: text, tracestate: optional(text) }),
  told: shape({
    id: count,
    node: text,
    seq: optional(count),
    chunk: optional(text),
    code: optional(text),
    message: optional(text),
    last: optional(flag),
  }),
}

const update = shape({
  n: optional(count),
  snapshot: optional(flag),
  symbol: text,
  position: text,
  ts: number,
  prev: optional(count),
  values: optional(object),
  raw: optional(text),
  deleted: optional(flag),
})

const pulse = shape({
  pulse: count,
  at: number,
  feed: optional(text),
  generation: optional(count),
  paths: optional(list(list(text))),
  partitions: optional(list(row(count, count, count, number, list(number)))),
})

/**
 * @returns `undefined` for a frame that this version does not know, which a receiver skips.
 * @throws ProtocolError when it is no frame, or one of the wrong shape.
 */
export function checkControl(frame: unknown): ControlFrame | undefined {
  const t = frameType(frame)
  if (!Object.hasOwn(CONTROL, t)) return undefined
  demand(CONTROL[t as ControlFrame['t']], frame, t)
  return frame as ControlFrame
}

/** @throws ProtocolError when it is no object with a string `t`. */
export function frameType(frame: unknown): string {
  const t = object(frame) ? (frame as { t?: unknown }).t : undefined
  if (typeof t !== 'string') throw new ProtocolError('a frame is no object with a string member t')
  return t
}

/** `ref` is not looked at. @throws ProtocolError */
export function checkUpdate(frame: unknown): asserts frame is UpdateFrame {
  demand(update, frame, 'update')
}

/** @throws ProtocolError */
export function checkPulse(frame: unknown): asserts frame is PulseFrame {
  demand(pulse, frame, 'pulse')
  const { feed, paths = [], partitions = [] } = frame as PulseFrame
  for (const [, , path, , arrivedAgesMs] of partitions) {
    if (feed === undefined || paths[path]?.length !== arrivedAgesMs.length) throw new ProtocolError('a pulse row does not fit its path')
  }
}

function demand(check: Check, frame: unknown, t: string): void {
  if (!check(frame)) throw new ProtocolError(`a frame ${t} has the wrong shape`)
}
