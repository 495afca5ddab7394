import type { FeedInfo, PulseFrame, StaleFrame, LiveFrame } from '@pulsewire/protocol'
import type { HeardFeed, HeardGeneration, HeardPulse } from './report.ts'

/** Those that are kept of a feed: the current one, and the one that it moves from. */
const GENERATIONS_MAX = 2

interface Generation extends HeardGeneration {
  partitions: number
  grown: HeardGeneration['grown']
  readonly pulses: Map<number, HeardPulse>
}

interface Feed extends HeardFeed {
  /** The log that its offsets are of; `null`: nobody says. */
  log: string | null
  generation: number
  readonly generations: Map<number, Generation>
  /** `stale` frames in force, by partition; −1 for all of them. */
  readonly notices: Map<number, string>
  complaint: string | null
}

/** The pulses that one probe has heard. They outlive a session: what was proven a second ago is not disproved by a new connection. */
export class HeardFeeds {
  readonly feeds = new Map<string, Feed>()

  /** The gateway's list of feeds, or a newer one. */
  learn(infos: readonly FeedInfo[], nowMs: number): void {
    for (const { feed: name, generation, partitions, log = null } of infos) {
      let feed = this.feeds.get(name)
      if (feed === undefined)
        this.feeds.set(name, (feed = { log, generation, generations: new Map(), notices: new Map(), complaint: null }))
      feed.generation = generation
      // Offsets of a log that was made anew begin at 0: by those of the one before, its pulses would be none for as long.
      if (log !== null && feed.log !== null && log !== feed.log) feed.generations.clear()
      feed.log = log ?? feed.log
      const known = feed.generations.get(generation)
      if (known === undefined) feed.generations.set(generation, { partitions, grown: null, pulses: new Map() })
      else {
        if (known.partitions > 0 && partitions > known.partitions) known.grown = { atMs: nowMs, before: known.partitions }
        known.partitions = partitions
      }
      for (const old of [...feed.generations.keys()].slice(0, -GENERATIONS_MAX)) feed.generations.delete(old)
    }
  }

  /** A new session begins: what the last one complained of, and feeds that are not offered any more, are forgotten. */
  begin(infos: readonly FeedInfo[], nowMs: number): void {
    for (const [name, feed] of this.feeds) {
      feed.notices.clear()
      feed.complaint = null
      if (!infos.some((info) => info.feed === name)) this.feeds.delete(name)
    }
    this.learn(infos, nowMs)
  }

  /** @param offsetMs the gateway's clock minus ours, where it is known. */
  pulse(frame: PulseFrame, nowMs: number, offsetMs: number | undefined): void {
    const feed = frame.feed === undefined ? undefined : this.feeds.get(frame.feed)
    const heard = feed?.generations.get(frame.generation ?? 0)
    if (heard === undefined) return
    const sinceSentMs = offsetMs === undefined ? 0 : Math.max(0, nowMs + offsetMs - frame.at)
    for (const [partition, offset, , ageMs, arrivedAgesMs] of frame.partitions ?? []) {
      const newest = heard.pulses.get(partition)
      // Only progress counts: the same pulse told again proves nothing more.
      if (newest !== undefined && offset <= newest.offset) continue
      const waitedMs = arrivedAgesMs.at(-1) ?? 0
      heard.pulses.set(partition, {
        offset,
        heardAtMs: nowMs,
        ageMs: Math.max(0, ageMs) + sinceSentMs,
        delayMs: Math.max(0, ageMs - waitedMs) + sinceSentMs,
      })
    }
  }

  /** Feeds of which pulses of the gateway's own generation came since. */
  broughtSince(atMs: number): string[] {
    return [...this.feeds].flatMap(([name, { generation, generations }]) => {
      const pulses = [...(generations.get(generation)?.pulses.values() ?? [])]
      return pulses.some(({ heardAtMs }) => heardAtMs >= atMs) ? [name] : []
    })
  }

  notice(frame: StaleFrame | LiveFrame): void {
    const feed = this.feeds.get(frame.feed)
    if (feed === undefined || frame.symbols !== undefined) return
    if (frame.partitions === undefined) feed.notices.clear()
    for (const partition of frame.partitions ?? [-1]) {
      if (frame.t === 'live') feed.notices.delete(partition)
      else feed.notices.set(partition, `${frame.reason} at ${frame.hop}${frame.message === undefined ? '' : `, ${frame.message}`}`)
    }
    feed.complaint = [...feed.notices.values()].at(-1) ?? null
  }
}
