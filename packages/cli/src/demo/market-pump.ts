import { randomInt } from 'node:crypto'
import { createMarket, systemClock, type LogAppend, type EmbeddedLog, type Market } from '@pulsewire/server'

/** How often the market's events go into the log. */
const INTERVAL_MS = 20
/** How often every symbol's image is written again, so that a restarted push node finds all of them. */
const SNAPSHOT_INTERVAL_MS = 60_000

const WELL_KNOWN = ['NVDA.US', 'TSLA.US', 'AAPL.US', '0700.HK', '9988.HK']

type Records = readonly { readonly symbol: string; readonly values: object }[]

export interface PumpOptions {
  readonly symbols?: number
  readonly ratePerSecond?: number
  readonly seed?: number
}

/** The quote source of the demo: plays the simulated market into the log's topics. */
export class MarketPump {
  readonly #log: EmbeddedLog
  readonly #market: Market
  #timers: NodeJS.Timeout[] = []
  #playedAtMs = 0
  /** The newest last; more than one while the feed moves, as a producer would write then. */
  #quoteTopics = ['quotes']

  constructor(log: EmbeddedLog, options: PumpOptions) {
    this.#log = log
    this.#market = createMarket({ ...options, seed: options.seed ?? randomInt(2 ** 31), clock: systemClock })
  }

  /** Symbols by market, as groups of the gateways. */
  get groups(): Record<string, string[]> {
    const groups: Record<string, string[]> = {}
    for (const { symbol } of this.#market.listings) {
      const market = symbol.slice(symbol.lastIndexOf('.') + 1)
      groups[market] ??= [`*.${market}`]
    }
    return groups
  }

  /** Some that everybody knows and that move all the time. */
  get busiest(): string[] {
    const all = this.#market.listings.map(({ symbol }) => symbol)
    const known = WELL_KNOWN.filter((symbol) => all.includes(symbol))
    return known.length > 0 ? known : all.slice(0, WELL_KNOWN.length)
  }

  /** Where quotes go now. */
  get quoteTopic(): string {
    return this.#quoteTopics.at(-1)!
  }

  /** Quotes go there too, beginning with all images. */
  alsoInto(topic: string): void {
    this.#quoteTopics = [...this.#quoteTopics.filter((known) => known !== topic), topic]
    this.#writeImages()
  }

  onlyInto(topic: string): void {
    this.#quoteTopics = [topic]
  }

  start(): void {
    this.#playedAtMs = systemClock.nowMs()
    this.#writeImages()
    this.#timers = [setInterval(() => this.#play(), INTERVAL_MS), setInterval(() => this.#writeImages(), SNAPSHOT_INTERVAL_MS)]
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  #writeImages(): void {
    this.#appendQuotes(this.#market.snapshot())
  }

  #play(): void {
    const nowMs = systemClock.nowMs()
    const quotes = this.#market.next(nowMs - this.#playedAtMs)
    this.#playedAtMs = nowMs
    this.#appendQuotes(quotes)
    this.#append('trades', this.#market.trades())
  }

  #appendQuotes(records: Records): void {
    for (const topic of this.#quoteTopics) this.#append(topic, records)
  }

  #append(topic: string, records: Records): void {
    if (records.length === 0) return
    const appends: LogAppend[] = records.map(({ symbol, values }) => ({ key: symbol, value: JSON.stringify(values) }))
    // A log that was made unreachable on purpose loses what is quoted meanwhile, as a market does.
    this.#log.append(topic, appends).catch(() => {})
  }
}
