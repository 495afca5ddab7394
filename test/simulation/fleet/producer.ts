import { LogError, type EmbeddedLog, type LogAppend } from '@pulsewire/server'
import type { Kernel } from '../world/kernel.ts'
import type { Appended } from '../world/node-log.ts'
import type { Random } from '../world/random.ts'
import { EPOCH_MS } from '../world/process.ts'
import type { SimFeed } from './feeds.ts'

const FIELDS = ['last', 'bid', 'ask', 'volume', 'status', 'book'] as const

/** So many records of one feed may come at once. */
export const BURST_RECORDS_MAX = 60

/** Writes records of all kinds into one feed's topic: ticks, bursts, quiet symbols, tombstones, poison. */
export class Producer {
  readonly #kernel: Kernel
  readonly #log: EmbeddedLog
  readonly #feed: SimFeed
  readonly #random: Random
  readonly #appended: Appended
  /** The liveliest symbols come first; the last ones hardly ever. */
  readonly #liveliness: number
  #written = 0
  #paused = false

  constructor(kernel: Kernel, log: EmbeddedLog, feed: SimFeed, random: Random, appended: Appended) {
    this.#kernel = kernel
    this.#log = log
    this.#feed = feed
    this.#random = random
    this.#appended = appended
    this.#liveliness = random.between(1, 4)
    this.#next()
  }

  /** A quiet hour. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
  }

  #next(): void {
    this.#kernel.after(this.#random.exponential(1000 / this.#feed.ratePerS), () => {
      if (!this.#paused) this.#write(this.#random.chance(0.03) ? this.#random.int(5, BURST_RECORDS_MAX) : this.#random.int(1, 3))
      this.#next()
    })
  }

  #write(count: number): void {
    const { topic } = this.#feed.config
    const timestampMs = EPOCH_MS + Math.floor(this.#kernel.nowMs)
    const records = Array.from({ length: count }, () => ({ timestampMs, ...this.#record() }))
    try {
      this.#appended(topic, records, this.#log.appendNow(topic, records))
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      // The log is gone, for producers as for everybody: these records never were.
    }
  }

  #record(): LogAppend {
    const random = this.#random
    if (random.chance(0.02)) return this.#poison()
    const { symbols, config } = this.#feed
    const key = symbols[Math.floor(symbols.length * random.next() ** this.#liveliness)]!
    if (random.chance(0.02)) return { key, value: null }
    if (config.codec === 'raw') return { key, value: `raw ${this.#written++} ${'x'.repeat(random.int(0, 40))}` }
    return { key, value: JSON.stringify(this.#fields()) }
  }

  #fields(): Record<string, unknown> {
    const random = this.#random
    const fields: Record<string, unknown> = { seq: this.#written++ }
    for (const name of FIELDS) if (random.chance(0.5)) fields[name] = this.#value(name)
    return fields
  }

  #value(name: (typeof FIELDS)[number]): unknown {
    const random = this.#random
    switch (name) {
      case 'volume':
        return random.int(0, 5) * 10 ** random.int(0, 9)
      case 'status':
        return random.pick(['open', 'halt', '', null, true, 'geöffnet'])
      case 'book':
        return random.pick([[[1, 2.5]], { depth: random.int(1, 3) }, [], 1e-12, 1 / 3])
      default:
        return Math.round(random.between(-1, 100) * 10 ** random.int(0, 4)) / 10 ** random.int(0, 4)
    }
  }

  #poison(): LogAppend {
    const partition = this.#random.int(0, this.#feed.partitions - 1)
    const key = this.#random.pick(this.#feed.symbols)
    return this.#random.pick<LogAppend>([
      { key: null, value: 'no key', partition },
      { key: '', value: '{}', partition },
      { key: 'a\u0001b', value: '{}', partition },
      { key: Uint8Array.of(0xff, 0xfe), value: '{}', partition },
      { key: '\u0000pulsewire.pulse', value: 'no pulse', partition },
      ...(this.#feed.config.codec === 'json'
        ? [
            { key, value: '{"last": nonsense' },
            { key, value: '[1]' },
            { key, value: '' },
          ]
        : []),
    ])
  }
}
