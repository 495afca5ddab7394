import type { LogEvent, LogReader, LogStart, PartitionStart } from '../../log/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import { HeldPartition, type HoldLimits } from './held-partition.ts'

export interface DelayedReaderOptions extends HoldLimits {
  readonly clock: Clock
}

/** A reading of the log as it was a while ago. */
export function timeShifted(start: LogStart, nowMs: number, delayMs: number): LogStart {
  if (start.at === 'latest') return { at: 'time', timestampMs: nowMs - delayMs }
  return start.at === 'time' ? { at: 'time', timestampMs: start.timestampMs - delayMs } : start
}

/**
 * Gives what a reader reads once it is old enough. The log is what remembers: of each partition what was fetched at once
 * is held, and nothing more of it is fetched until that has gone.
 */
export class DelayedReader implements LogReader {
  readonly topic: string
  readonly #reader: LogReader
  readonly #events: AsyncIterator<LogEvent>
  readonly #options: DelayedReaderOptions
  readonly #held = new Map<number, HeldPartition>()
  /** Partitions of which nothing is fetched now. */
  readonly #paused = new Set<number>()
  /** What goes on at once. */
  readonly #through: LogEvent[] = []
  #isFetching = false
  #isOver = false
  #failure: { readonly error: unknown } | null = null
  #wake: () => void = () => {}

  /** @param open opens the reading beneath, of these partitions. */
  constructor(
    open: (starts: readonly PartitionStart[]) => LogReader,
    partitions: readonly PartitionStart[],
    options: DelayedReaderOptions,
  ) {
    this.#options = options
    this.#reader = open(this.#expect(partitions))
    this.topic = this.#reader.topic
    this.#events = this.#reader[Symbol.asyncIterator]()
  }

  /** Something was read that is not old enough: until it is, nothing is due. */
  get isWaiting(): boolean {
    return this.#paused.size > 0
  }

  /** Bytes of values that are held, of all partitions. */
  get heldBytes(): number {
    let bytes = 0
    for (const held of this.#held.values()) bytes += held.bytes
    return bytes
  }

  add(partitions: readonly PartitionStart[]): void {
    this.#reader.add(this.#expect(partitions))
    this.#wake()
  }

  remove(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.#held.delete(partition)
      this.#paused.delete(partition)
    }
    this.#reader.remove(partitions)
  }

  close(): Promise<void> {
    this.#isOver = true
    this.#wake()
    return this.#reader.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [Symbol.asyncIterator](): AsyncIterator<LogEvent, undefined> {
    return {
      next: async () => {
        const value = await this.#next()
        return value === null ? { done: true, value: undefined } : { done: false, value }
      },
      return: async () => {
        await this.close()
        return { done: true, value: undefined }
      },
    }
  }

  #expect(partitions: readonly PartitionStart[]): PartitionStart[] {
    const nowMs = this.#options.clock.nowMs()
    return partitions
      .filter(({ partition }) => !this.#held.has(partition))
      .map(({ partition, start }) => {
        this.#held.set(partition, new HeldPartition(this.#options))
        return { partition, start: timeShifted(start, nowMs, this.#options.delayMs) }
      })
  }

  async #next(): Promise<LogEvent | null> {
    for (;;) {
      const event = this.#through.shift() ?? (this.#isOver ? null : this.#ripe())
      if (event !== null) return event
      if (this.#failure !== null) throw this.#failure.error
      if (this.#isOver) return null
      await this.#wait()
    }
  }

  /** What has become old enough, of whichever partition. */
  #ripe(): LogEvent | null {
    const nowMs = this.#options.clock.nowMs()
    for (const [partition, held] of this.#held) {
      const event = held.take(nowMs)
      if (this.#paused.has(partition) && held.wantsMore) this.#resume(partition, held)
      if (event === null) continue
      // Others have their turn first.
      this.#held.delete(partition)
      this.#held.set(partition, held)
      return event
    }
    return null
  }

  #resume(partition: number, held: HeldPartition): void {
    this.#paused.delete(partition)
    held.isStarted = false
    this.#reader.add([{ partition, start: { at: 'offset', offset: held.resumeAt } }])
  }

  /** Until something came, something is old enough, or this is over. */
  async #wait(): Promise<void> {
    const { clock } = this.#options
    let atMs = Infinity
    for (const held of this.#held.values()) atMs = Math.min(atMs, held.ripeAtMs)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    if (!this.#isFetching) void this.#fetch()
    const timer = atMs === Infinity ? null : clock.after(Math.max(0, Math.ceil(atMs - clock.nowMs())), resolve)
    await promise
    timer?.cancel()
  }

  async #fetch(): Promise<void> {
    this.#isFetching = true
    try {
      const { done, value } = await this.#events.next()
      if (done === true) this.#isOver = true
      else this.#came(value)
    } catch (error) {
      this.#failure = { error }
    } finally {
      this.#isFetching = false
      this.#wake()
    }
  }

  #came(event: LogEvent): void {
    if (!('partition' in event)) return void this.#through.push(event)
    const { partition } = event
    const held = this.#held.get(partition)
    // It was given up, or is to be read from elsewhere.
    if (held === undefined || this.#paused.has(partition)) return
    if (event.kind === 'started') {
      held.isStarted = true
      if (held.next >= 0) return
      held.next = event.offset
      return void this.#through.push(event)
    }
    if (!held.isStarted) return
    if (event.kind === 'jumped') return held.jump(event)
    const nowMs = this.#options.clock.nowMs()
    held.put(event, nowMs)
    if (held.wantsMore) return
    this.#paused.add(partition)
    this.#reader.remove([partition])
  }
}
