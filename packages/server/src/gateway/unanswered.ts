import type { SubscribedFrame, SubscribeFrame, UnsubscribedFrame, UnsubscribeFrame } from '@pulsewire/protocol'

/** Names said again in one frame; the rest has its turn when these are answered, or the next time. */
const NAMES_MAX = 200
const KINDS = ['symbols', 'patterns'] as const

interface Name {
  readonly kind: 'symbols' | 'patterns'
  /** Number of the frame that asked for it. */
  readonly frame: number
  readonly atMs: number
}

/** What was asked under one id and is not answered. */
interface Asked {
  /** The last frame; its options hold for all of the id. */
  frame: SubscribeFrame
  frames: number
  /** By kind and name. */
  readonly names: Map<string, Name>
  /** The latest frame of which something was answered, and when something was last. */
  answeredFrame: number
  answeredAtMs: number
}

interface Leaving {
  readonly frame: UnsubscribeFrame
  readonly sinceMs: number
}

/**
 * Subscribes and unsubscribes of one connection that the upstream node has not answered. A connection loses nothing, but
 * a node may: what stays unanswered is said again, which does no harm where it was not lost.
 */
export class Unanswered {
  readonly #asked = new Map<number, Asked>()
  /** By id, or id and symbol. */
  readonly #leaving = new Map<string, Leaving>()

  subscribe(frame: SubscribeFrame, nowMs: number): void {
    const asked = this.#asked.get(frame.id) ?? { frame, frames: 0, names: new Map(), answeredFrame: -1, answeredAtMs: -Infinity }
    asked.frame = frame
    this.#asked.set(frame.id, asked)
    for (const kind of KINDS) {
      for (const name of frame[kind] ?? []) {
        // Behind all others, also when it was asked for before.
        asked.names.delete(`${kind} ${name}`)
        asked.names.set(`${kind} ${name}`, { kind, frame: asked.frames, atMs: nowMs })
      }
    }
    asked.frames++
    for (const symbol of frame.symbols ?? []) this.#leaving.delete(`${frame.id} ${symbol}`)
  }

  unsubscribe(frame: UnsubscribeFrame, nowMs: number): void {
    const { id, symbols } = frame
    if (symbols === undefined) {
      this.#asked.delete(id)
      this.#leaving.set(`${id}`, { frame, sinceMs: nowMs })
      return
    }
    for (const symbol of symbols) {
      this.#asked.get(id)?.names.delete(`symbols ${symbol}`)
      this.#leaving.set(`${id} ${symbol}`, { frame: { t: 'unsubscribe', id, symbols: [symbol] }, sinceMs: nowMs })
    }
  }

  subscribed({ id, ok = [], refused = [], done }: SubscribedFrame, nowMs: number): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    for (const [symbol] of ok) answered(asked, `symbols ${symbol}`, nowMs)
    for (const [name] of refused) for (const kind of KINDS) answered(asked, `${kind} ${name}`, nowMs)
    // A pattern has no row of its own.
    if (done === true) for (const [key, { kind }] of asked.names) if (kind === 'patterns') answered(asked, key, nowMs)
    if (asked.names.size === 0) this.#asked.delete(id)
  }

  unsubscribed({ id, ok, unknown, closed }: UnsubscribedFrame): void {
    for (const name of [...ok, ...unknown]) this.#leaving.delete(`${id} ${name}`)
    if (closed) this.#leaving.delete(`${id}`)
  }

  /** Whether the symbol was asked for by name, and nothing has been said of it. */
  awaits(id: number, symbol: string): boolean {
    return this.#asked.get(id)?.names.has(`symbols ${symbol}`) === true
  }

  /** Nothing of what was asked under the id took effect, and asking again would not help. */
  failed(id: number): void {
    this.#asked.delete(id)
  }

  /**
   * What has to be said again by now. Answers come in the order of the frames: as long as some come, those to later
   * frames are on their way, and a frame that was overtaken is lost.
   */
  overdue(nowMs: number, afterMs: number): (SubscribeFrame | UnsubscribeFrame)[] {
    const frames: (SubscribeFrame | UnsubscribeFrame)[] = []
    for (const { frame, sinceMs } of this.#leaving.values()) if (nowMs - sinceMs > afterMs) frames.push(frame)
    for (const asked of this.#asked.values()) {
      const late = lateNames(asked, nowMs, afterMs)
      if (late.length === 0) continue
      const { symbols: _symbols, patterns: _patterns, ...options } = asked.frame
      const named = (wanted: Name['kind']) => late.flatMap(([key, { kind }]) => (kind === wanted ? [key.slice(kind.length + 1)] : []))
      const [symbols, patterns] = [named('symbols'), named('patterns')]
      frames.push({ ...options, ...(symbols.length > 0 ? { symbols } : {}), ...(patterns.length > 0 ? { patterns } : {}) })
    }
    return frames
  }
}

/** The names stand in the order of their frames, so that the first that is not late ends the search. */
function lateNames(asked: Asked, nowMs: number, afterMs: number): [string, Name][] {
  const late: [string, Name][] = []
  const isAnswering = nowMs - asked.answeredAtMs <= afterMs
  for (const each of asked.names) {
    const { frame, atMs } = each[1]
    if (nowMs - atMs <= afterMs || (isAnswering && frame >= asked.answeredFrame) || late.length >= NAMES_MAX) break
    late.push(each)
  }
  return late
}

function answered(asked: Asked, key: string, nowMs: number): void {
  const name = asked.names.get(key)
  if (name === undefined) return
  asked.names.delete(key)
  asked.answeredFrame = Math.max(asked.answeredFrame, name.frame)
  asked.answeredAtMs = nowMs
}
