import type { LogError } from '../../runtime/errors.ts'
import type { LogEvent } from '../log.ts'
import type { FetchedPartition } from './fetch-api.ts'
import type { Cursor, LeaderFetcher } from './fetcher.ts'
import { RecordBatches } from './record-batch.ts'

/** Records decoded at a time: some milliseconds' work at most, so that the event loop breathes. */
const BATCH_RECORDS_MAX = 2000

interface Fetched {
  readonly fetcher: LeaderFetcher
  readonly cursor: Cursor
  readonly batches: RecordBatches
  readonly highWatermark: number
}

interface Told {
  readonly event: LogEvent
  /** The partition's own events go when it is removed. */
  readonly cursor: Cursor | undefined
}

/**
 * What waits to be taken by a reader's iteration. Bounded by its fetchers: each holds back its next response until
 * this one is taken. Records are decoded when they are taken.
 */
export class EventQueue {
  readonly #isCurrent: (cursor: Cursor) => boolean
  #entries: (Told | Fetched)[] = []
  #error: LogError | undefined
  #isEnded = false
  #waiting: (() => void) | undefined

  constructor(isCurrent: (cursor: Cursor) => boolean) {
    this.#isCurrent = isCurrent
  }

  push(event: LogEvent, cursor?: Cursor): void {
    if (this.#isEnded) return
    this.#entries.push({ event, cursor })
    this.#wake()
  }

  pushFetched(fetcher: LeaderFetcher, cursor: Cursor, from: number, data: FetchedPartition): void {
    const batches = new RecordBatches(data.bytes, from, data.aborted)
    if (this.#isEnded) return fetcher.release()
    this.#entries.push({ fetcher, cursor, batches, highWatermark: data.highWatermark })
    this.#wake()
  }

  /** Drops what belongs to cursors that are not current any more. */
  purge(): void {
    this.#drop((entry) => entry.cursor !== undefined && !this.#isCurrent(entry.cursor))
  }

  /** Nothing more will come. Without `keepQueued`, what waits is dropped; `error` is thrown behind it. */
  end(options: { readonly keepQueued?: boolean; readonly error?: LogError } = {}): void {
    this.#isEnded = true
    this.#error ??= options.error
    if (options.keepQueued !== true) {
      this.#error = undefined
      this.#drop(() => true)
    }
    this.#wake()
  }

  async next(): Promise<IteratorResult<LogEvent, undefined>> {
    for (;;) {
      const event = this.#take()
      if (event !== undefined) return { done: false, value: event }
      if (this.#error !== undefined) {
        const error = this.#error
        this.#error = undefined
        throw error
      }
      if (this.#isEnded) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  #take(): LogEvent | undefined {
    for (let entry = this.#entries[0]; entry !== undefined; entry = this.#entries[0]) {
      if (!('batches' in entry)) {
        this.#entries.shift()
        return entry.event
      }
      const event = takeRecords(entry)
      if (entry.batches.isExhausted) {
        this.#entries.shift()
        entry.fetcher.release()
      }
      if (event !== undefined) return event
    }
    return undefined
  }

  #drop(shouldDrop: (entry: Told | Fetched) => boolean): void {
    const dropped = this.#entries.filter(shouldDrop)
    this.#entries = this.#entries.filter((entry) => !shouldDrop(entry))
    for (const entry of dropped) if ('fetcher' in entry) entry.fetcher.release()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }
}

function takeRecords({ cursor, batches, highWatermark }: Fetched): LogEvent | undefined {
  const { partition } = cursor
  try {
    const records = batches.take(BATCH_RECORDS_MAX)
    const span = batches.spanTaken()
    return span.from === span.next ? undefined : { kind: 'records', partition, records, span, highWatermark }
  } catch {
    // Unreadable bytes stay unreadable: going past them and saying so beats stopping the partition for good.
    const lost = batches.skipBatch()
    return lost === undefined ? undefined : { kind: 'jumped', partition, from: lost.from, offset: lost.to }
  }
}
