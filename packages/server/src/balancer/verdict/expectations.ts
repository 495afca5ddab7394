import { type CatalogueFeed, type Delays, delaysOf, type DirectoryPart } from '../../directory/index.ts'

/** What a node has to serve of one feed to be believed. */
export interface FeedExpectation {
  readonly feed: string
  /** The generation that counts; `null` while nobody says. */
  readonly current: number | null
  /** Those that are good now: the current one, the one being opened beside it, and for a moment the one that was current just before. */
  readonly accepted: ReadonlySet<number>
  /** By generation, the topic that the catalogue names for it. */
  readonly topics: ReadonlyMap<number, string>
  /** Where push nodes show it with delays that differ: who with which. Absent: all agree. */
  readonly delays?: Delays
}

/**
 * The expectations that follow from the catalogue of one log; its own nodes alone are judged by them. When a feed switches,
 * gateways hear of it at slightly different times than this balancer: for `graceMs` what was current until then is as good as
 * what is current now.
 *
 * A feed that the catalogue does not name (an installation that configures generations by hand) is judged by its newest
 * generation in any lease that lives.
 */
export class Expectations {
  readonly #directory: Pick<DirectoryPart, 'nodes' | 'feeds'>
  readonly #graceMs: number
  readonly #switches = new Map<string, { current: number; before: number | null; atMs: number }>()

  constructor(directory: Pick<DirectoryPart, 'nodes' | 'feeds'>, graceMs: number) {
    this.#directory = directory
    this.#graceMs = graceMs
  }

  /** To be called at every look at the directory, so that no switch is noticed late. */
  at(nowMs: number): ReadonlyMap<string, FeedExpectation> {
    const expectations = new Map<string, FeedExpectation>()
    for (const feed of this.#directory.feeds.values()) {
      const accepted = new Set([feed.current.generation])
      if (feed.next !== null) accepted.add(feed.next.generation)
      this.#tolerate(feed.feed, feed.current.generation, accepted, nowMs)
      expectations.set(feed.feed, { feed: feed.feed, current: feed.current.generation, accepted, topics: topicsOf(feed) })
    }
    const { newest, delayed } = this.#leased()
    for (const [feed, current] of newest) {
      if (expectations.has(feed)) continue
      // It follows its feed later by the delay, and so does who serves it: its pulses have to do.
      if (delayed.has(feed)) {
        expectations.set(feed, { feed, current: null, accepted: new Set(), topics: new Map() })
        continue
      }
      const accepted = new Set([current])
      this.#tolerate(feed, current, accepted, nowMs)
      expectations.set(feed, { feed, current, accepted, topics: new Map() })
    }
    for (const [feed, expected] of expectations) {
      const delays = delaysOf(this.#directory.nodes.values(), feed)
      if (delays.size > 1) expectations.set(feed, { ...expected, delays })
    }
    return expectations
  }

  #tolerate(feed: string, current: number, accepted: Set<number>, nowMs: number): void {
    const last = this.#switches.get(feed)
    if (last?.current !== current) this.#switches.set(feed, { current, before: last?.current ?? null, atMs: nowMs })
    const { before, atMs } = this.#switches.get(feed)!
    if (before !== null && nowMs - atMs <= this.#graceMs) accepted.add(before)
  }

  /** Of each feed the newest generation in a lease that lives, and those that any lease says are delayed: one pass over all nodes. */
  #leased(): { readonly newest: ReadonlyMap<string, number>; readonly delayed: ReadonlySet<string> } {
    const newest = new Map<string, number>()
    const delayed = new Set<string>()
    for (const { lease, state } of this.#directory.nodes.values()) {
      const lives = state === 'live' || state === 'kept'
      for (const { feed, generation, delayOf } of lease.feeds) {
        if (delayOf !== undefined) delayed.add(feed)
        if (lives) newest.set(feed, Math.max(newest.get(feed) ?? 0, generation))
      }
    }
    return { newest, delayed }
  }
}

function topicsOf({ current, next, retired }: CatalogueFeed): Map<number, string> {
  const known = next === null ? [...retired, current] : [...retired, current, next]
  return new Map(known.map(({ generation, topic }) => [generation, topic]))
}
