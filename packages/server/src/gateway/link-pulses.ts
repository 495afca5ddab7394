import type { FeedInfo } from '@pulsewire/protocol'
import type { PulsePoint } from '../hub/index.ts'

interface FeedPulses {
  generation: number
  /** By partition, when the newest pulse that came was written, by our clock. */
  readonly writtenAtMs: Map<number, number>
}

/** The newest pulses that one link has brought: how fresh this way is, whatever the other line does. */
export class LinkPulses {
  readonly #feeds = new Map<string, FeedPulses>()

  heard(feed: string, points: readonly PulsePoint[]): void {
    for (const { generation, partition, writtenAtMs } of points) {
      let known = this.#feeds.get(feed)
      if (known === undefined || known.generation < generation) {
        known = { generation, writtenAtMs: new Map() }
        this.#feeds.set(feed, known)
      }
      const before = known.writtenAtMs.get(partition) ?? -Infinity
      if (known.generation === generation && writtenAtMs > before) known.writtenAtMs.set(partition, writtenAtMs)
    }
  }

  /** What the node carries now: nothing more is expected of partitions that went to another. */
  carries(feeds: readonly FeedInfo[]): void {
    for (const { feed, carried } of feeds) {
      const known = this.#feeds.get(feed)
      if (known === undefined || carried === undefined) continue
      for (const partition of known.writtenAtMs.keys()) if (!carried.includes(partition)) known.writtenAtMs.delete(partition)
    }
  }

  /** When the newest pulse that came of this generation in the partition was written; `-Infinity`: none has come. */
  writtenAtMs(feed: string, generation: number, partition: number): number {
    const known = this.#feeds.get(feed)
    return known?.generation === generation ? (known.writtenAtMs.get(partition) ?? -Infinity) : -Infinity
  }

  /** Age of the newest pulse of the partition where it is oldest, in ms; `null`: none has come. */
  ageMs(nowMs: number): number | null {
    const written = [...this.#feeds.values()].flatMap(({ writtenAtMs }) => [...writtenAtMs.values()])
    return written.length === 0 ? null : Math.max(0, Math.round(nowMs - Math.min(...written)))
  }

  clear(): void {
    this.#feeds.clear()
  }
}
