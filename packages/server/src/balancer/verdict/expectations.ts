import { type CatalogueFeed, type Delays, delaysOf, type DirectoryPart, newestGeneration } from '../../directory/index.ts'
import type { ProbeReport } from '../probe/report.ts'
import { mostHaveComeTo, provenGeneration, type PulseLimits } from './proven.ts'

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
 * gateways hear of it at slightly different times than this balancer: for `pulseHeardWithinMs` what was current until then is as
 * good as what is current now.
 *
 * A feed that the catalogue does not name (an installation that configures generations by hand) is judged by the newest
 * generation that gateways prove, half of them at least: what a lease says is one node's word (decision 32). One that was raised
 * by hand above the catalogue is good as soon as they prove it.
 */
export class Expectations {
  readonly #directory: Pick<DirectoryPart, 'nodes' | 'feeds'>
  readonly #probeOf: (node: string) => ProbeReport | null
  readonly #limits: PulseLimits
  readonly #switches = new Map<string, { current: number; before: number | null; atMs: number }>()

  constructor(directory: Pick<DirectoryPart, 'nodes' | 'feeds'>, probeOf: (node: string) => ProbeReport | null, limits: PulseLimits) {
    this.#directory = directory
    this.#probeOf = probeOf
    this.#limits = limits
  }

  /** To be called at every look at the directory, so that no switch is noticed late. */
  at(nowMs: number): ReadonlyMap<string, FeedExpectation> {
    const expectations = new Map<string, FeedExpectation>()
    for (const feed of this.#directory.feeds.values()) {
      const { current, next } = feed
      const accepted = new Set([current.generation])
      if (next !== null) accepted.add(next.generation)
      const raised = this.#raisedAbove(newestGeneration(feed), feed.feed, nowMs)
      if (raised !== undefined) accepted.add(raised)
      this.#tolerate(feed.feed, current.generation, accepted, nowMs)
      expectations.set(feed.feed, { feed: feed.feed, current: current.generation, accepted, topics: topicsOf(feed) })
    }
    const { names, delayed } = this.#leased()
    for (const feed of names) {
      if (expectations.has(feed)) continue
      // It follows its feed later by the delay, and so does who serves it: its pulses have to do.
      const current = delayed.has(feed) ? undefined : (this.#confirmed(feed, nowMs) ?? this.#switches.get(feed)?.current)
      if (current === undefined) {
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

  /** The generation that gateways prove, where that is newer than what the catalogue knows. Most of the time nobody says so. */
  #raisedAbove(newest: number, feed: string, nowMs: number): number | undefined {
    const isNewer = (name: string) => (this.#probeOf(name)?.feeds.get(feed)?.generation ?? 0) > newest
    if (![...this.#directory.nodes.keys()].some(isNewer)) return undefined
    const confirmed = this.#confirmed(feed, nowMs)
    return confirmed !== undefined && confirmed > newest ? confirmed : undefined
  }

  /** The generation that gateways prove. */
  #confirmed(feed: string, nowMs: number): number | undefined {
    const proven: number[] = []
    for (const [name, { lease, state }] of this.#directory.nodes) {
      if (lease.role !== 'gateway' || (state !== 'live' && state !== 'kept')) continue
      const probe = this.#probeOf(name)
      const generation = probe === null ? undefined : provenGeneration(probe, feed, this.#limits, nowMs)
      if (generation !== undefined) proven.push(generation)
    }
    return mostHaveComeTo(proven)
  }

  #tolerate(feed: string, current: number, accepted: Set<number>, nowMs: number): void {
    const last = this.#switches.get(feed)
    if (last?.current !== current) this.#switches.set(feed, { current, before: last?.current ?? null, atMs: nowMs })
    const { before, atMs } = this.#switches.get(feed)!
    if (before !== null && nowMs - atMs <= this.#limits.pulseHeardWithinMs) accepted.add(before)
  }

  /** The feeds that leases that live name, and those that any lease says are delayed: one pass over all nodes. */
  #leased(): { readonly names: ReadonlySet<string>; readonly delayed: ReadonlySet<string> } {
    const names = new Set<string>()
    const delayed = new Set<string>()
    for (const { lease, state } of this.#directory.nodes.values()) {
      const lives = state === 'live' || state === 'kept'
      for (const { feed, delayOf } of lease.feeds) {
        if (delayOf !== undefined) delayed.add(feed)
        if (lives) names.add(feed)
      }
    }
    return { names, delayed }
  }
}

function topicsOf({ current, next, retired }: CatalogueFeed): Map<number, string> {
  const known = next === null ? [...retired, current] : [...retired, current, next]
  return new Map(known.map(({ generation, topic }) => [generation, topic]))
}
