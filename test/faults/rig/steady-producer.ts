import type { AppendResult, Log, LogAppend } from '@pulsewire/server'
import { steadyMs } from '../../support/steady.ts'

export interface SteadyTopic {
  readonly topic: string
  readonly symbols: readonly string[]
  readonly recordsPerSecond: number
  /** A topic that gets every record as well, with the same time. */
  readonly copiedTo?: string | undefined
}

const TICK_MS = 20

/** Produces into topics at a steady rate, as well as the log allows, and keeps when each record was certainly there. */
export class SteadyProducer {
  readonly #log: Log
  readonly #topics: readonly SteadyTopic[]
  /** By topic, `partition:offset` → steady time at which the log had acknowledged it. */
  readonly acknowledgedMs = new Map<string, Map<string, number>>()
  /** By symbol, the sequence of its newest record that is certainly in the log. */
  readonly newest = new Map<string, number>()
  /** Appends that failed: their records may be in the log or not. */
  failed = 0
  /** When an append last succeeded. */
  lastAppendMs = 0
  readonly #copies = new Map<string, string>()
  readonly #sequences = new WeakMap<LogAppend, number>()
  #sequence = 0
  #timers: NodeJS.Timeout[] = []
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(log: Log, topics: readonly SteadyTopic[]) {
    this.#log = log
    this.#topics = topics
    for (const { topic, copiedTo } of topics) {
      this.acknowledgedMs.set(topic, new Map())
      if (copiedTo === undefined) continue
      this.acknowledgedMs.set(copiedTo, new Map())
      this.#copies.set(topic, copiedTo)
    }
  }

  start(): void {
    this.#timers = this.#topics.map((topic) => {
      let owed = 0
      let cursor = 0
      return setInterval(() => {
        owed += (topic.recordsPerSecond * TICK_MS) / 1000
        // One append at a time; what a slow log holds up is not made up for later.
        if (this.#underWay.has(topic.topic)) owed = Math.min(owed, topic.symbols.length)
        else if (owed >= 1) {
          const count = Math.floor(owed)
          owed -= count
          void this.append(
            topic.topic,
            Array.from({ length: count }, () => this.record(topic.symbols[cursor++ % topic.symbols.length]!)),
          )
        }
      }, TICK_MS)
    })
  }

  record(symbol: string): LogAppend {
    const sequence = ++this.#sequence
    const record = { key: symbol, value: JSON.stringify({ sequence, last: (sequence % 10_000) / 100 }) }
    this.#sequences.set(record, sequence)
    return record
  }

  /** Appends, after what is on its way to the topic already. Resolves when it is known how that went; never rejects. */
  append(topic: string, records: readonly LogAppend[]): Promise<void> {
    const work = (this.#underWay.get(topic) ?? Promise.resolve()).then(async () => {
      try {
        const copiedTo = this.#copies.get(topic)
        if (copiedTo === undefined) this.#acknowledged(topic, await this.#log.append(topic, records))
        else {
          const timed = records.map((record) => ({ ...record, timestampMs: Date.now() }))
          this.#acknowledged(topic, await this.#log.append(topic, timed))
          this.#acknowledged(copiedTo, await this.#log.append(copiedTo, timed))
        }
        for (const record of records) this.#isThere(record)
      } catch {
        this.failed++
      }
      if (this.#underWay.get(topic) === work) this.#underWay.delete(topic)
    })
    this.#underWay.set(topic, work)
    return work
  }

  /** One last record of every symbol, so that each view has something to arrive at; then silence. */
  async finish(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(
      this.#topics.map(({ topic, symbols }) =>
        this.append(
          topic,
          symbols.map((symbol) => this.record(symbol)),
        ),
      ),
    )
  }

  #acknowledged(topic: string, results: readonly AppendResult[]): void {
    const nowMs = steadyMs()
    this.lastAppendMs = nowMs
    const known = this.acknowledgedMs.get(topic)!
    for (const { partition, offset } of results) known.set(`${partition}:${offset}`, nowMs)
  }

  #isThere(record: LogAppend): void {
    const sequence = this.#sequences.get(record)
    if (sequence !== undefined) this.newest.set(String(record.key), sequence)
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }
}
