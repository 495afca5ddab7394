import { drainMicrotasks } from './microtasks.ts'
import type { SimProcess } from './process.ts'

/** What happens at some time. `owner` is whose: a frozen process's events wait, a dead one's are dropped. */
export interface Event {
  readonly owner: SimProcess | null
  readonly kind: 'timer' | 'io' | 'soon'
  run: (() => void) | null
  atMs: number
  order: number
}

/** More events than this within one instant means that somebody schedules for ever. */
const INSTANT_EVENTS_MAX = 100_000

/**
 * Virtual time: a queue of events in the order of their times, ties in the order in which they were scheduled. Between
 * two events all microtasks run, so that promises behave as in a real process and yet nothing depends on the machine.
 */
export class Kernel {
  nowMs = 0
  /** Events run so far. */
  events = 0
  readonly #heap: Event[] = []
  #order = 0
  #instantEvents = 0
  #stopped = false

  at(atMs: number, kind: Event['kind'], owner: SimProcess | null, run: () => void): Event {
    const event: Event = { owner, kind, run, atMs: Math.max(atMs, this.nowMs), order: this.#order++ }
    this.#push(event)
    return event
  }

  /** An event of the world: no process owns it. */
  after(delayMs: number, run: () => void): Event {
    return this.at(this.nowMs + delayMs, 'io', null, run)
  }

  cancel(event: Event): void {
    event.run = null
  }

  /** Ends `runUntil` after the present event, for good. */
  stop(): void {
    this.#stopped = true
  }

  /** Puts back an event that waited for its process. */
  again(event: Event): void {
    event.atMs = this.nowMs
    event.order = this.#order++
    this.#push(event)
  }

  /** Runs everything up to this time. */
  runUntil(untilMs: number): void {
    drainMicrotasks()
    while (!this.#stopped) {
      const next = this.#heap[0]
      if (next === undefined || next.atMs > untilMs) break
      this.#pop()
      if (next.run === null) continue
      this.#advance(next.atMs)
      if (next.owner !== null && !next.owner.takes(next)) continue
      const { run } = next
      next.run = null
      this.events++
      run()
      drainMicrotasks()
    }
    if (!this.#stopped) this.nowMs = Math.max(this.nowMs, untilMs)
  }

  #advance(toMs: number): void {
    if (toMs > this.nowMs) this.#instantEvents = 0
    else if (++this.#instantEvents > INSTANT_EVENTS_MAX) throw new Error(`time stands still at ${this.nowMs}`)
    this.nowMs = toMs
  }

  #push(event: Event): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!before(event, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.order < b.order
}
