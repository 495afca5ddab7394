import type {
  AppendResult,
  EmbeddedConnection,
  EmbeddedLog,
  Log,
  LogAppend,
  LogEvent,
  LogReader,
  PartitionStart,
  TopicDescription,
} from '@pulsewire/server'
import type { SimProcess } from './process.ts'
import type { Random } from './random.ts'

/** How the log is reached from one process. */
export interface LogTravel {
  latencyMs: number
  jitterMs: number
}

export type Appended = (topic: string, records: readonly LogAppend[], results: readonly AppendResult[]) => void

/**
 * The embedded log as one process sees it: everything takes its time, and goes on only while the process runs. Faults
 * cut it off (`setReachable`) or hold its fetches back without a word (`stall`).
 */
export class NodeLog implements Log {
  readonly #connection: EmbeddedConnection
  readonly #process: SimProcess
  readonly #random: Random
  readonly #travel: LogTravel
  readonly #appended: Appended
  readonly #fetches = new Set<Gate>()
  #leftOut = 0

  /** @param appended called right after records of this process came into the log. */
  constructor(log: EmbeddedLog, process: SimProcess, random: Random, travel: LogTravel, appended: Appended) {
    this.#connection = log.connect()
    this.#process = process
    this.#random = random
    this.#travel = travel
    this.#appended = appended
  }

  setReachable(reachable: boolean): void {
    this.#connection.setReachable(reachable)
  }

  /** The fetches of all readers that are open now hang: no error, no records. A reader made anew works. */
  stall(): void {
    for (const gate of this.#fetches) gate.shut()
  }

  /** From now on the client leaves out so many of the records that it is given, and says nothing. 0: none. */
  leaveOut(share: number): void {
    this.#leftOut = share
  }

  resume(): void {
    for (const gate of this.#fetches) gate.open()
  }

  async describe(topic: string): Promise<TopicDescription> {
    await this.#pass()
    return this.#connection.describe(topic)
  }

  async createTopic(topic: string, options: { readonly partitions: number }): Promise<void> {
    await this.#connection.createTopic(topic, options)
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#connection.deleteTopic(topic)
  }

  async append(topic: string, records: readonly LogAppend[]): Promise<readonly AppendResult[]> {
    await this.#pass()
    const results = await this.#connection.append(topic, records)
    this.#appended(topic, records, results)
    await this.#pass()
    return results
  }

  read(topic: string, partitions: readonly PartitionStart[]): LogReader {
    const reader = this.#connection.read(topic, partitions)
    const fetches = new Gate()
    const closed = new Gate()
    closed.shut()
    this.#fetches.add(fetches)
    const close = () => {
      closed.open()
      this.#fetches.delete(fetches)
      return reader.close()
    }
    const spoil = (event: LogEvent): LogEvent => {
      if (event.kind !== 'records' || this.#leftOut === 0) return event
      return { ...event, records: event.records.filter(({ key }) => isPulse(key) || this.#random.next() >= this.#leftOut) }
    }
    const arrive = async () => {
      await Promise.race([fetches.passed(), closed.passed()])
      await this.#pass()
      return closed.isShut
    }
    return {
      topic,
      add: (more) => reader.add(more),
      remove: (fewer) => reader.remove(fewer),
      close,
      [Symbol.asyncDispose]: close,
      async *[Symbol.asyncIterator](): AsyncGenerator<LogEvent, undefined> {
        for await (const event of reader) if (await arrive()) yield spoil(event)
      },
    }
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #pass(): Promise<void> {
    const delayMs = this.#travel.latencyMs + this.#random.next() * this.#travel.jitterMs
    return new Promise((resolve) => this.#process.clock.after(delayMs, resolve))
  }
}

/** Left out is what nothing else would give away. */
function isPulse(key: Uint8Array | null): boolean {
  return key?.[0] === 0
}

/** Open at first. Whoever comes while it is shut waits. */
class Gate {
  #shut: PromiseWithResolvers<void> | null = null

  get isShut(): boolean {
    return this.#shut !== null
  }

  shut(): void {
    this.#shut ??= Promise.withResolvers<void>()
  }

  open(): void {
    this.#shut?.resolve()
    this.#shut = null
  }

  async passed(): Promise<void> {
    while (this.#shut !== null) await this.#shut.promise
  }
}
