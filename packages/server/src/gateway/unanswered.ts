import type { SubscribedFrame, SubscribeFrame, UnsubscribedFrame, UnsubscribeFrame } from '@pulsewire/protocol'

/** Names said again in one frame; the rest has its turn when these are answered, or the next time. */
const NAMES_MAX = 200

/** What was asked under one id and is not answered. */
interface Asked {
  /** The last frame; its options hold for all of the id. */
  frame: SubscribeFrame
  readonly symbols: Set<string>
  readonly patterns: Set<string>
  /** When something was asked or answered last: an answer in many parts is on its way as long as parts come. */
  sinceMs: number
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
    const asked = this.#asked.get(frame.id) ?? { frame, symbols: new Set(), patterns: new Set(), sinceMs: nowMs }
    asked.frame = frame
    asked.sinceMs = nowMs
    this.#asked.set(frame.id, asked)
    for (const symbol of frame.symbols ?? []) {
      asked.symbols.add(symbol)
      this.#leaving.delete(`${frame.id} ${symbol}`)
    }
    for (const pattern of frame.patterns ?? []) asked.patterns.add(pattern)
  }

  unsubscribe(frame: UnsubscribeFrame, nowMs: number): void {
    const { id, symbols } = frame
    if (symbols === undefined) {
      this.#asked.delete(id)
      this.#leaving.set(`${id}`, { frame, sinceMs: nowMs })
      return
    }
    for (const symbol of symbols) {
      this.#asked.get(id)?.symbols.delete(symbol)
      this.#leaving.set(`${id} ${symbol}`, { frame: { t: 'unsubscribe', id, symbols: [symbol] }, sinceMs: nowMs })
    }
  }

  subscribed({ id, ok = [], refused = [], done }: SubscribedFrame, nowMs: number): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    asked.sinceMs = nowMs
    for (const [symbol] of ok) asked.symbols.delete(symbol)
    for (const [name] of refused) {
      asked.symbols.delete(name)
      asked.patterns.delete(name)
    }
    if (done === true) asked.patterns.clear()
    if (asked.symbols.size + asked.patterns.size === 0) this.#asked.delete(id)
  }

  unsubscribed({ id, ok, unknown, closed }: UnsubscribedFrame): void {
    for (const name of [...ok, ...unknown]) this.#leaving.delete(`${id} ${name}`)
    if (closed) this.#leaving.delete(`${id}`)
  }

  /** Nothing of what was asked under the id took effect, and asking again would not help. */
  failed(id: number): void {
    this.#asked.delete(id)
  }

  /** What has to be said again by now. */
  overdue(nowMs: number, afterMs: number): (SubscribeFrame | UnsubscribeFrame)[] {
    const frames: (SubscribeFrame | UnsubscribeFrame)[] = []
    for (const { frame, sinceMs } of this.#leaving.values()) if (nowMs - sinceMs > afterMs) frames.push(frame)
    for (const { frame, symbols, patterns, sinceMs } of this.#asked.values()) {
      if (nowMs - sinceMs <= afterMs) continue
      const { symbols: _symbols, patterns: _patterns, ...options } = frame
      frames.push({
        ...options,
        ...(symbols.size > 0 ? { symbols: [...symbols].slice(0, NAMES_MAX) } : {}),
        ...(patterns.size > 0 ? { patterns: [...patterns].slice(0, NAMES_MAX) } : {}),
      })
    }
    return frames
  }
}
