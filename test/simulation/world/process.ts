import type { Clock, Timer } from '@pulsewire/server'
import type { Event, Kernel } from './kernel.ts'

/** Where all clocks would stand at the world's time 0 if they were right. */
export const EPOCH_MS = 1_750_000_000_000

export interface ProcessClock {
  /** How far its clock is ahead of the true one, in ms. */
  readonly offsetMs: number
  /** How much faster it runs: 0.0001 is 100 ms in 1,000 s. */
  readonly drift: number
}

/** One process of the world: its clock, and whether it runs, is frozen (SIGSTOP) or is gone. */
export class SimProcess {
  readonly name: string
  readonly host: string
  readonly clock: Clock
  state: 'running' | 'frozen' | 'dead' = 'running'
  readonly #kernel: Kernel
  #waiting: Event[] = []
  /** It may be frozen for several reasons at once, and goes on when the last is over. */
  #freezes = 0

  /** @param host who it is to the network; two incarnations of a node have the same. */
  constructor(kernel: Kernel, name: string, host: string, clock: ProcessClock) {
    this.#kernel = kernel
    this.name = name
    this.host = host
    this.clock = new SimClock(kernel, this, clock)
  }

  /** Something from outside reaches it at this time. */
  io(atMs: number, run: () => void): Event {
    return this.#kernel.at(atMs, 'io', this, run)
  }

  /** The kernel asks: may the event run now? */
  takes(event: Event): boolean {
    if (this.state === 'frozen') this.#waiting.push(event)
    return this.state === 'running'
  }

  freeze(): void {
    if (this.state === 'dead') return
    this.#freezes++
    this.state = 'frozen'
  }

  /** As an event loop wakes: first the timers that are due by now, then what came meanwhile. */
  thaw(): void {
    if (this.state !== 'frozen' || --this.#freezes > 0) return
    this.state = 'running'
    const waiting = this.#waiting
    this.#waiting = []
    for (const event of waiting) if (event.kind === 'timer') this.#kernel.again(event)
    for (const event of waiting) if (event.kind !== 'timer') this.#kernel.again(event)
  }

  kill(): void {
    this.state = 'dead'
    this.#waiting = []
  }
}

class SimClock implements Clock {
  readonly #kernel: Kernel
  readonly #process: SimProcess
  readonly #startMs: number
  readonly #rate: number

  constructor(kernel: Kernel, process: SimProcess, { offsetMs, drift }: ProcessClock) {
    this.#kernel = kernel
    this.#process = process
    this.#startMs = EPOCH_MS + offsetMs
    this.#rate = 1 + drift
  }

  nowMs(): number {
    return this.#startMs + this.#kernel.nowMs * this.#rate
  }

  after(delayMs: number, callback: () => void): Timer {
    const kernel = this.#kernel
    const event = kernel.at(kernel.nowMs + Math.max(0, delayMs) / this.#rate, 'timer', this.#process, callback)
    return { cancel: () => kernel.cancel(event) }
  }

  soon(callback: () => void): void {
    this.#kernel.at(this.#kernel.nowMs, 'soon', this.#process, callback)
  }

  every(intervalMs: number, callback: () => void): Timer {
    let timer: Timer
    let cancelled = false
    const next = () => {
      timer = this.after(intervalMs, () => {
        callback()
        if (!cancelled) next()
      })
    }
    next()
    return {
      cancel: () => {
        cancelled = true
        timer.cancel()
      },
    }
  }
}
