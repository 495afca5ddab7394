import type { Clock, Timer } from '../clock.ts'

interface FakeTimer {
  atMs: number
  readonly order: number
  readonly callback: () => void
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs: number
  #timers: FakeTimer[] = []
  #order = 0
  steppedMs = 0

  constructor(nowMs = 1_764_000_000_000) {
    this.#nowMs = nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((each) => each !== timer)) }
  }

  get timers(): number {
    return this.#timers.length
  }

  /** Lets time pass, timer by timer, each with all that follows from it. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settled()
    for (;;) {
      const next = this.#timers.reduce<FakeTimer | undefined>((a, b) => {
        return a === undefined || b.atMs < a.atMs || (b.atMs === a.atMs && b.order < a.order) ? b : a
      }, undefined)
      if (next === undefined || next.atMs > endMs) break
      this.#timers = this.#timers.filter((each) => each !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
      await settled()
    }
    this.#nowMs = endMs
    await settled()
  }

  /** Somebody sets the clock forward, or it makes up for a sleep: timers go by what really passes. */
  step(ms: number): void {
    this.#nowMs += ms
    this.steppedMs += ms
    for (const timer of this.#timers) timer.atMs += ms
  }

  /** The event loop was blocked, or the machine slept: time is gone and no timer ran. */
  jump(ms: number): void {
    this.#nowMs += ms
  }
}

/** All microtasks have run, and those that they started. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
