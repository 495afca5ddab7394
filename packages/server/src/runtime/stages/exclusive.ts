import { PulsewireError } from '../errors.ts'
import { monotonicMs } from './monotonic.ts'
import type { Stage, StageOptions } from './stages.ts'

export interface ExclusiveOptions {
  /** How long one holder may hold it. Default: what the process allows local work. */
  readonly deadlineMs?: number
  /** How many may wait for it. */
  readonly queueMax: number
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

  /** To be made by `Stages.exclusive`. */
  constructor(name: string, open: (options: StageOptions) => Stage, options: ExclusiveOptions, nowMs = monotonicMs) {
    this.name = name
    this.#queueMax = options.queueMax
    this.#nowMs = nowMs
    const waiting = (): { holder: string; heldMs: number }[] =>
      this.#queue.map(({ holder, sinceMs }) => ({ holder, heldMs: Math.round(this.#nowMs() - sinceMs) }))
    const { deadlineMs } = options
    this.#stage = open(deadlineMs === undefined ? { waiting } : { deadlineMs, waiting })
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
