import type { Log, LogReader, PartitionStart, ReadOptions, TopicDescription } from '../../log/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import { DelayedReader } from './delayed-reader.ts'

/** Of one partition. A fetch brings 1 MiB at most; between two pulses there is rarely more than a few. */
const HELD_BYTES_MAX = 16 * 1024 * 1024

/** What of a log can be read of the past. */
export type DelayedView = Pick<Log, 'describe' | 'read'>

/** The log, as it is to be seen by who reads a feed. */
export function viewOf(log: DelayedView, delay: { readonly delayMs: number } | undefined, clock: Clock): DelayedView {
  return delay === undefined ? log : new DelayedLog(log, delay.delayMs, clock)
}

/**
 * The log as it was a while ago: what is younger is not there yet. Whoever reads it needs not know; where partitions end
 * is where they ended then.
 */
export class DelayedLog implements DelayedView {
  readonly #log: DelayedView
  readonly #delayMs: number
  readonly #clock: Clock

  constructor(log: DelayedView, delayMs: number, clock: Clock) {
    this.#log = log
    this.#delayMs = delayMs
    this.#clock = clock
  }

  async describe(topic: string): Promise<TopicDescription> {
    const now = await this.#log.describe(topic)
    const ends = await this.#endsThen(now)
    const partitions = now.partitions.map((range) => ({ ...range, latest: Math.max(range.earliest, ends.get(range.partition) ?? 0) }))
    return { ...now, partitions }
  }

  read(topic: string, partitions: readonly PartitionStart[], options: ReadOptions = {}): LogReader {
    return new DelayedReader((starts) => this.#log.read(topic, starts, options), partitions, {
      clock: this.#clock,
      delayMs: this.#delayMs,
      bytesMax: HELD_BYTES_MAX,
    })
  }

  /** By the time index of the log: where a reading from then on begins. */
  async #endsThen({ topic, partitions }: TopicDescription): Promise<Map<number, number>> {
    const ends = new Map<number, number>()
    const timestampMs = Math.floor(this.#clock.nowMs() - this.#delayMs)
    const due = partitions.filter(({ earliest, latest }) => latest > earliest)
    if (due.length === 0) return ends
    await using reader = this.#log.read(
      topic,
      due.map(({ partition }) => ({ partition, start: { at: 'time', timestampMs } })),
    )
    for await (const event of reader) {
      if (event.kind === 'unreachable') throw event.error
      if (event.kind === 'started') ends.set(event.partition, event.offset)
      if (ends.size === due.length) break
    }
    return ends
  }
}
