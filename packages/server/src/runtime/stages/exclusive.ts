import { PulsewireError } from '../errors.ts'
import type { Stage, Stages } from './stages.ts'
import { monotonicMs } from './monotonic.ts'

export interface ExclusiveOptions {
  readonly stages: Stages
  /** As reports call it. */
  readonly name: string
  /** How long one holder may hold it. */
  readonly deadlineMs: number
  /** How many may wait for it. */
  readonly queueMax: number
  readonly nowMs?: () => number
}

interface Waiter {
  readonly holder: string
  readonly sinceMs: number
  readonly enter: (entered: Disposable) => void
}

/**
 * A section that one asynchronous task at a time is in; the others wait in order. It knows who is in it and since when,
 * and it is a stage: a holder that never leaves is found at the deadline, by name.
 *
 *     using _ = await section.enter('records of quotes/3')
 */
export class Exclusive {
  readonly name: string
  readonly #stage: Stage
  readonly #queueMax: number
  readonly #nowMs: () => number
  readonly #queue: Waiter[] = []
  #isHeld = false

  constructor(options: ExclusiveOptions) {
    this.name = options.name
    this.#queueMax = options.queueMax
    this.#nowMs = options.nowMs ?? monotonicMs
    this.#stage = options.stages.open(options.name, options.deadlineMs, () => {
      const nowMs = this.#nowMs()
      return this.#queue.map(({ holder, sinceMs }) => ({ holder, heldMs: Math.round(nowMs - sinceMs) }))
    })
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** At once when the section is free; leave it by disposing of what is returned. */
  tryEnter(holder: string): Disposable | undefined {
    if (this.#isHeld) return undefined
    this.#isHeld = true
    return this.#held(holder)
  }

  /** @throws PulsewireError `section_crowded` when as many wait already as may. */
  async enter(holder: string): Promise<Disposable> {
    const entered = this.tryEnter(holder)
    if (entered !== undefined) return entered
    if (this.#queue.length >= this.#queueMax) {
      throw new PulsewireError('section_crowded', `${this.#queueMax} tasks wait for ${this.name} already; ${holder} is refused`, {
        retryable: true,
      })
    }
    return new Promise((resolve) => this.#queue.push({ holder, sinceMs: this.#nowMs(), enter: resolve }))
  }

  /** Handed from one to the next, so that nobody overtakes who waits. */
  #held(holder: string): Disposable {
    const hold = this.#stage.hold(holder)
    let isOver = false
    return {
      [Symbol.dispose]: () => {
        if (isOver) return
        isOver = true
        hold[Symbol.dispose]()
        const next = this.#queue.shift()
        if (next === undefined) this.#isHeld = false
        else next.enter(this.#held(next.holder))
      },
    }
  }
}
