/** What the log tests share: a reader that keeps what it meets, and small makers. */
import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isWhole } from '../../packages/server/src/push/continuity.ts'
import type { Log, LogAppend, LogEvent, LogReader, LogRecord, LogStart, PartitionStart } from '../../packages/server/src/log/index.ts'

export const EARLIEST: LogStart = { at: 'earliest' }
export const LATEST: LogStart = { at: 'latest' }

/** Partitions that all begin at the same place. */
export function from(start: LogStart, ...partitions: number[]): PartitionStart[] {
  return partitions.map((partition) => ({ partition, start }))
}

/** Reads on in the background and keeps everything, so that a test can wait for what it expects. */
export class Tap implements AsyncDisposable {
  readonly reader: LogReader
  readonly events: LogEvent[] = []
  /** Resolves when the iteration ends, with what it threw. */
  readonly ended: Promise<Error | undefined>
  #check: (() => void) | undefined
  readonly #next = new Map<number, number>()

  constructor(reader: LogReader) {
    this.reader = reader
    this.ended = this.#run()
  }

  get kinds(): string[] {
    return this.events.map((event) => event.kind)
  }

  records(partition: number): LogRecord[] {
    return this.events.flatMap((event) => (event.kind === 'records' && event.partition === partition ? event.records : []))
  }

  values(partition: number): string[] {
    return this.records(partition).map((record) => text(record.value))
  }

  count(kind: LogEvent['kind']): number {
    return this.events.filter((event) => event.kind === kind).length
  }

  last<Kind extends LogEvent['kind']>(kind: Kind): Extract<LogEvent, { kind: Kind }> {
    const event = this.events.findLast((candidate) => candidate.kind === kind)
    assert.ok(event, `no ${kind} among ${this.kinds.join(', ')}`)
    return event as Extract<LogEvent, { kind: Kind }>
  }

  /** Waits until the condition holds; the test's own timeout bounds it. */
  async until(condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#check = () => condition() && resolve()
      this.#check()
      void this.ended.then((error) => (condition() ? resolve() : reject(error ?? new Error(`ended after: ${this.kinds.join(', ')}`))))
    })
    this.#check = undefined
  }

  async untilStarted(partitions: number): Promise<void> {
    await this.until(() => this.count('started') === partitions)
  }

  async untilRecords(partition: number, count: number): Promise<void> {
    await this.until(() => this.records(partition).length >= count)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader.close()
    await this.ended
  }

  /** Whatever else a test looks at: spans follow one another, and each offset has its record or is absent. */
  #hold(event: LogEvent): void {
    if (event.kind === 'started' || event.kind === 'jumped') this.#next.set(event.partition, event.offset)
    if (event.kind !== 'records') return
    const { partition, records, span } = event
    assert.ok(isWhole(event, this.#next.get(partition)!), `${records.length} records of ${partition} in ${JSON.stringify(span)}`)
    this.#next.set(partition, span.next)
  }

  async #run(): Promise<Error | undefined> {
    try {
      for await (const event of this.reader) {
        this.events.push(event)
        this.#hold(event)
        this.#check?.()
      }
      return undefined
    } catch (error) {
      return error as Error
    }
  }
}

export function text(bytes: Uint8Array | null | undefined): string {
  return bytes === null || bytes === undefined ? String(bytes) : Buffer.from(bytes).toString()
}

let topicsMade = 0

/** A topic of a test's own. */
export async function makeTopic(log: Log, partitions: number, config?: Record<string, string>): Promise<string> {
  const topic = `contract-${process.pid}-${++topicsMade}`
  await log.createTopic(topic, config === undefined ? { partitions } : { partitions, config })
  return topic
}

/** Records with their number as value. */
export function numbered(count: number, partition: number, first = 0): LogAppend[] {
  return Array.from({ length: count }, (_, i) => ({ partition, key: `k${first + i}`, value: String(first + i) }))
}

/** For `assert.rejects`: the code, and words that the message must have. */
export function isLogError(code: string, ...mentions: string[]): (error: unknown) => true {
  return (error) => {
    assert.equal((error as { code?: string }).code, code, String(error))
    for (const mention of mentions) assert.match((error as Error).message, new RegExp(mention))
    return true
  }
}

/** Bytes that buffers hold once garbage is gone. The engine frees them behind the collection, so it is run again. */
export async function bufferBytesInUse(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let run = 0; run < 5; run++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().arrayBuffers
}
