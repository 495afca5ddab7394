import type { OkRow, RefusedRow, SubscribedFrame } from '@pulsewire/protocol'
import type { Subscription } from '../hub/index.ts'

/** Rows of all answers of a session that wait to be sent. */
interface Waiting {
  rows: number
}

/** What a receiver is still to be told of one subscription. */
export class Answers {
  /** Symbols and patterns that wait for an upstream answer. */
  outstanding = 0
  /** Whether `done` has to be said once nothing is outstanding. */
  open = false
  /** By symbol: what is named again before its answer was sent is answered once, to the last naming. */
  readonly #ok = new Map<string, OkRow>()
  /** By kind and name. */
  readonly #refused = new Map<string, RefusedRow>()
  readonly #waiting: Waiting

  constructor(waiting: Waiting) {
    this.#waiting = waiting
  }

  ok(row: OkRow): void {
    const [symbol] = row
    this.takeBack('symbol', symbol)
    if (!this.#ok.delete(symbol)) this.#waiting.rows++
    this.#ok.set(symbol, row)
  }

  refuse(kind: 'symbol' | 'pattern' | 'group', name: string, code: string, message: string): void {
    const key = `${kind} ${name}`
    if (!this.#refused.has(key)) this.#waiting.rows++
    this.#refused.set(key, [name, code, message])
  }

  /** What was refused is there after all. */
  takeBack(kind: 'symbol' | 'pattern', name: string): void {
    if (this.#refused.delete(`${kind} ${name}`)) this.#waiting.rows--
  }

  /** All of it in one frame; it waits no more. */
  take(id: number): SubscribedFrame | undefined {
    const done = this.open && this.outstanding === 0
    if (this.#ok.size + this.#refused.size === 0 && !done) return undefined
    this.#waiting.rows -= this.#ok.size + this.#refused.size
    const frame: SubscribedFrame = { t: 'subscribed', id }
    if (this.#ok.size > 0) frame.ok = [...this.#ok.values()]
    if (this.#refused.size > 0) frame.refused = [...this.#refused.values()]
    if (done) frame.done = true
    this.#ok.clear()
    this.#refused.clear()
    return frame
  }
}

/** The answers that a session owes its receiver. */
export class OwedAnswers {
  /** `null` while nothing is owed, which is nearly always. */
  #owed: Map<Subscription, Answers> | null = null
  readonly #waiting: Waiting = { rows: 0 }

  get any(): boolean {
    return this.#owed !== null
  }

  has(subscription: Subscription): boolean {
    return this.#owed?.has(subscription) === true
  }

  /** What waits to be sent: rows, and a word for each subscription of which something is owed. */
  get size(): number {
    return this.#waiting.rows + (this.#owed?.size ?? 0)
  }

  of(subscription: Subscription): Answers {
    this.#owed ??= new Map()
    let answers = this.#owed.get(subscription)
    if (answers === undefined) this.#owed.set(subscription, (answers = new Answers(this.#waiting)))
    return answers
  }

  /** Takes what can be told now, oldest first. `settled` is called for each subscription of which nothing is owed any more. */
  take(settled: (subscription: Subscription) => void): SubscribedFrame[] {
    const frames: SubscribedFrame[] = []
    for (const [subscription, answers] of this.#owed ?? []) {
      const frame = answers.take(subscription.id)
      if (frame !== undefined) frames.push(frame)
      if (answers.outstanding > 0) continue
      this.#owed!.delete(subscription)
      settled(subscription)
    }
    if (this.#owed?.size === 0) this.#owed = null
    return frames
  }

  clear(): void {
    this.#owed = null
    this.#waiting.rows = 0
  }
}
