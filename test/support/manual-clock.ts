import type { Clock, Timer } from '../../packages/server/src/runtime/clock.ts'

interface ManualTimer extends Timer {
  atMs: number
  readonly order: number
  readonly everyMs: number
  readonly callback: () => void
}

/** More turns than any test needs: what schedules itself for ever is a bug, and must not hang the run. */
const TURNS_MAX = 100_000

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs: number
  #order = 0
  #soon: (() => void)[] = []
  readonly #timers = new Set<ManualTimer>()

  /** The default is a moment on a whole second, so that ticks of rate lanes fall where a test can name them. */
  constructor(nowMs = 1_764_000_000_000) {
    this.#nowMs = nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  /** Timers that are waiting: for tests that look for leaks. */
  get timers(): number {
    return this.#timers.size
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#add(delayMs, 0, callback)
  }

  every(intervalMs: number, callback: () => void): Timer {
    return this.#add(intervalMs, intervalMs, callback)
  }

  soon(callback: () => void): void {
    this.#soon.push(callback)
  }

  /** Runs what waits for the end of the turn, and what follows from that, without time passing. */
  turn(): void {
    for (let turns = 0; this.#soon.length > 0; turns++) {
      if (turns > TURNS_MAX) throw new Error('something schedules itself for ever')
      const due = this.#soon
      this.#soon = []
      for (const callback of due) callback()
    }
  }

  /** Lets time pass: timer by timer, each followed by the end of its turn. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    this.turn()
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#fire(timer)
      this.turn()
    }
    this.#nowMs = Math.max(this.#nowMs, endMs)
  }

  /** Time goes by and nothing runs: a computation took so long, or the process stood still. */
  spend(ms: number): void {
    this.#nowMs += ms
  }

  /** The same for code that awaits: promises settle before each timer. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await this.settle()
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#fire(timer)
      await this.settle()
    }
    this.#nowMs = Math.max(this.#nowMs, endMs)
  }

  /** Runs the end of the turn and every promise that is ready, without time passing. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; quiet++) {
      if (this.#soon.length > 0) quiet = 0
      this.turn()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #add(delayMs: number, everyMs: number, callback: () => void): Timer {
    const timer = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      everyMs,
      callback,
      cancel: () => void this.#timers.delete(timer),
    }
    this.#timers.add(timer)
    return timer
  }

  #next(endMs: number): ManualTimer | undefined {
    let next: ManualTimer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs <= endMs && (next === undefined || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)))
        next = timer
    }
    return next
  }

  #fire(timer: ManualTimer): void {
    this.#nowMs = Math.max(this.#nowMs, timer.atMs)
    if (timer.everyMs === 0) this.#timers.delete(timer)
    else timer.atMs += timer.everyMs
    timer.callback()
  }
}
