import { ByteWriter, writePulse, type Encoding, type PulseFrame, type PulseRow } from '@pulsewire/protocol'
import type { Feed } from './feed.ts'
import { WrittenTimes } from './written-times.ts'

/** A pulse frame, encoded, with its number. The same bytes go to every session. */
export interface EncodedPulse {
  readonly pulse: number
  /** When the oldest of the pulses in it was written, by this hub's clock; Infinity: it holds none. */
  readonly writtenAtMs: number
  readonly bytes: Uint8Array
  readonly text: string
}

/**
 * Composes pulse frames and keeps the newest per feed and encoding, because every session is sent the same. Ages in a
 * frame are relative to its `at`, so a frame stays right however much later it is sent.
 */
export class PulseFrames {
  #next = 1
  readonly #epoch: number
  readonly #nowMs: () => number
  readonly #kept = new Map<string, { revision: number; frame: EncodedPulse }>()
  /** Per feed index. */
  readonly #written: WrittenTimes[] = []
  readonly #writer = new ByteWriter(1024)

  constructor(epoch: number, nowMs: () => number) {
    this.#epoch = epoch
    this.#nowMs = nowMs
  }

  /** The newest frame of the feed; `undefined` while no partition has had a pulse. */
  of(feed: Feed, encoding: Encoding): EncodedPulse | undefined {
    const revision = feed.freshness.revision
    if (revision === 0) return undefined
    const key = `${feed.index}/${encoding}`
    const kept = this.#kept.get(key)
    if (kept?.revision === revision) return kept.frame
    const frame = this.#encode(this.#compose(feed), feed.index, encoding, oldestWrittenAtMs(feed))
    this.#kept.set(key, { revision, frame })
    if (frame.writtenAtMs !== Infinity) (this.#written[feed.index] ??= new WrittenTimes()).add(frame.pulse, frame.writtenAtMs)
    return frame
  }

  /** When the newest pulse of the feed was written that who holds this pulse, of any feed, was sent; `undefined`: none was, or too long ago. */
  writtenAtMs(feed: Feed, pulse: number): number | undefined {
    return this.#written[feed.index]?.upTo(pulse)
  }

  /** A heartbeat for a session that no feed's pulse is due to. */
  heartbeat(encoding: Encoding): EncodedPulse {
    return this.#encode({ t: 'pulse', pulse: this.#next++, at: Math.round(this.#nowMs()) }, -1, encoding)
  }

  #compose(feed: Feed): PulseFrame {
    const at = Math.round(this.#nowMs())
    const paths: (readonly string[])[] = []
    const partitions: PulseRow[] = []
    for (const { point } of feed.freshness.partitions) {
      if (point === null || point.generation !== feed.generation) continue
      let path = paths.findIndex((known) => samePath(known, point.path))
      if (path < 0) path = paths.push(point.path) - 1
      const arrivedAgesMs = point.arrivedAtMs.map((arrivedAtMs) => Math.round(at - arrivedAtMs))
      partitions.push([point.partition, point.offset, path, Math.round(at - point.writtenAtMs), arrivedAgesMs])
    }
    return { t: 'pulse', pulse: this.#next++, at, feed: feed.name, generation: feed.generation, paths, partitions }
  }

  #encode(frame: PulseFrame, feedIndex: number, encoding: Encoding, writtenAtMs = Infinity): EncodedPulse {
    if (encoding === 'pulsewire.json.v1') return { pulse: frame.pulse, writtenAtMs, text: JSON.stringify(frame), bytes: new Uint8Array() }
    writePulse(this.#writer, frame, feedIndex, this.#epoch)
    return { pulse: frame.pulse, writtenAtMs, text: '', bytes: this.#writer.take() }
  }
}

function oldestWrittenAtMs({ freshness, generation }: Feed): number {
  let oldestMs = Infinity
  for (const { point } of freshness.partitions) if (point?.generation === generation) oldestMs = Math.min(oldestMs, point.writtenAtMs)
  return oldestMs
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((node, i) => node === b[i])
}
