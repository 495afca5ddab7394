/**
 * Whether what a sender sent has the shape of `frames.ts`, so that everybody behind a decoder may rely on the types.
 * Members that are not named here are not looked at.
 */
import { ProtocolError } from './decoder.ts'
import type { ControlFrame, PulseFrame, UpdateFrame } from './frames.ts'

export type Check = (value: unknown) => boolean

export const text: Check = (value) => typeof value === 'string'
export const flag: Check = (value) => typeof value === 'boolean'
/** JSON has no NaN, but a number as large as 1e999 reads as Infinity. */
const number: Check = (value) => Number.isFinite(value)
export const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
export const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

export function optional(check: Check): Check {
  return (value) => value === undefined || check(value)
}

export function list(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check)
}

/** An array that begins with these; more may follow. */
function row(...checks: readonly Check[]): Check {
  return (value) => Array.isArray(value) && checks.every((check, index) => check(value[index]))
}

export function shape(members: Readonly<Record<string, Check>>): Check {
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

/** By type of frame. */
export type Frames = Readonly<Partial<Record<ControlFrame['t'], Check>>>

/** What a client takes. */
export const CLIENT_FRAMES: Readonly<Record<Exclude<ControlFrame['t'], 'ask' | 'trace' | 'told'>, Check>> = {
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
    limits: shape({ messageBytesMax: count, subscriptionsMax: count, patternsMax: optional(count) }),
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
 * @param known frames that the receiver takes.
 * @returns `undefined` for a frame that it does not know, which it skips.
 * @throws ProtocolError when it is no frame, or one of the wrong shape.
 */
export function checkControl(frame: unknown, known: Frames): ControlFrame | undefined {
  const t = frameType(frame)
  const check = Object.hasOwn(known, t) ? known[t as ControlFrame['t']] : undefined
  if (check === undefined) return undefined
  demand(check, frame, t)
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
