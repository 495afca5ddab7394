import { eventsBetween } from './events.ts'
import type { EventsAnswer, Topology, TopologyEvent } from './schemas.ts'

/** Events that are kept; older ones are in the log output, as far as they were warnings. */
export const EVENTS_MAX = 1000
/** Looking more often finds nothing that anybody could follow. */
const LOOK_INTERVAL_MS = 250

/** The newest topology, and what has happened in it. */
export class TopologyBook {
  readonly #take: (nowMs: number) => Topology
  readonly #startedAtMs: number
  readonly #events: TopologyEvent[] = []
  #newest: Topology | null = null
  #lookedAtMs = -Infinity
  #last = 0

  /** @param take composes the topology of this moment. */
  constructor(take: (nowMs: number) => Topology, startedAtMs: number) {
    this.#take = take
    this.#startedAtMs = Math.round(startedAtMs)
  }

  /** Looks at what has changed, unless it has just done so. */
  look(nowMs: number): void {
    if (nowMs - this.#lookedAtMs < LOOK_INTERVAL_MS) return
    this.#lookedAtMs = nowMs
    const before = this.#newest
    const after = (this.#newest = this.#take(nowMs))
    if (before === null) return
    for (const event of eventsBetween(before, after)) this.#events.push({ id: ++this.#last, atMs: after.atMs, ...event })
    this.#events.splice(0, Math.max(0, this.#events.length - EVENTS_MAX))
  }

  topology(nowMs: number): Topology {
    return this.#take(nowMs)
  }

  events(since: number, nowMs: number): EventsAnswer {
    // Ids follow one another without a hole.
    const first = this.#events[0]?.id ?? 1
    return {
      balancer: this.#newest?.balancer ?? '',
      startedAtMs: this.#startedAtMs,
      atMs: Math.round(nowMs),
      // A number that was never given is one of another balancer, or of this one before its restart.
      events: since > this.#last ? [...this.#events] : this.#events.slice(Math.max(0, since - first + 1)),
      last: this.#last,
    }
  }
}
