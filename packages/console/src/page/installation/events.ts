import type { EventAnswer, EventsAnswer } from './answers.ts'

/** More than anybody scrolls through. */
const EVENTS_MAX = 300

/** What has happened, as the balancer that is asked tells it. */
export class Timeline {
  /** Newest first. */
  events: readonly EventAnswer[] = []
  /** Number of the last event that is known. */
  since = 0
  /** When the balancer began to count; `null`: it was not asked yet. */
  #countedFromMs: number | null = null

  /** What was asked for with `since`. */
  take({ startedAtMs, events, last }: EventsAnswer): void {
    const isOther = this.#countedFromMs !== null && startedAtMs !== this.#countedFromMs
    this.#countedFromMs = startedAtMs
    if (isOther) {
      // One that was started anew counts from one: the number that it was asked with meant nothing to it.
      this.events = []
      this.since = 0
      return
    }
    const fresh = events.filter(({ id }) => id > this.since)
    this.since = Math.max(this.since, last)
    if (fresh.length > 0) this.events = [...fresh.toReversed(), ...this.events].slice(0, EVENTS_MAX)
  }

  /** What a stream tells: it begins with all that there is where its balancer counts otherwise. */
  takePushed(answer: EventsAnswer): void {
    if (answer.startedAtMs !== this.#countedFromMs) {
      this.events = []
      this.since = 0
      this.#countedFromMs = answer.startedAtMs
    }
    this.take(answer)
  }
}
