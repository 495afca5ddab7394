import type { OkRow, RefusedRow, SubscribedFrame } from '@pulsewire/protocol'
import type { Subscription } from '../hub/index.ts'

/** What a receiver is still to be told of one subscription. */
export interface Answers {
  ok: OkRow[]
  refused: RefusedRow[]
  /** Symbols and patterns that wait for an upstream answer. */
  outstanding: number
  /** Whether `done` has to be said once nothing is outstanding. */
  open: boolean
}

/** The answers that a session owes its receiver. */
export class OwedAnswers {
  /** `null` while nothing is owed, which is nearly always. */
  #owed: Map<Subscription, Answers> | null = null

  get any(): boolean {
    return this.#owed !== null
  }

  has(subscription: Subscription): boolean {
    return this.#owed?.has(subscription) === true
  }

  of(subscription: Subscription): Answers {
    this.#owed ??= new Map()
    let answers = this.#owed.get(subscription)
    if (answers === undefined) {
      answers = { ok: [], refused: [], outstanding: 0, open: false }
      this.#owed.set(subscription, answers)
    }
    return answers
  }

  /** Takes what can be told now, oldest first. `settled` is called for each subscription of which nothing is owed any more. */
  take(settled: (subscription: Subscription) => void): SubscribedFrame[] {
    const frames: SubscribedFrame[] = []
    for (const [subscription, answers] of this.#owed ?? []) {
      const done = answers.open && answers.outstanding === 0
      if (answers.ok.length > 0 || answers.refused.length > 0 || done) frames.push(frameOf(subscription.id, answers, done))
      if (answers.outstanding > 0) {
        answers.ok = []
        answers.refused = []
      } else {
        this.#owed!.delete(subscription)
        settled(subscription)
      }
    }
    if (this.#owed?.size === 0) this.#owed = null
    return frames
  }

  clear(): void {
    this.#owed = null
  }
}

function frameOf(id: number, { ok, refused }: Answers, done: boolean): SubscribedFrame {
  const frame: SubscribedFrame = { t: 'subscribed', id }
  if (ok.length > 0) frame.ok = ok
  if (refused.length > 0) frame.refused = refused
  if (done) frame.done = true
  return frame
}
