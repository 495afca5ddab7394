import { randomInt } from 'node:crypto'
import { createMarket, systemClock, type LogAppend, type EmbeddedLog, type Market } from '@pulsewire/server'

/** How often the market's events go into the log. */
const INTERVAL_MS = 20
/** How often every symbol's image is written again, so that a restarted push node finds all of them. */
const SNAPSHOT_INTERVAL_MS = 60_000

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

  start(): void {
    this.#playedAtMs = systemClock.nowMs()
    this.#writeImages()
    this.#timers = [setInterval(() => this.#play(), INTERVAL_MS), setInterval(() => this.#writeImages(), SNAPSHOT_INTERVAL_MS)]
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  #writeImages(): void {
    this.#append('quotes', this.#market.snapshot())
  }

  #play(): void {
    const nowMs = systemClock.nowMs()
    const quotes = this.#market.next(nowMs - this.#playedAtMs)
    this.#playedAtMs = nowMs
    this.#append('quotes', quotes)
    this.#append('trades', this.#market.trades())
  }

  #append(topic: string, records: readonly { readonly symbol: string; readonly values: object }[]): void {
    if (records.length === 0) return
    const appends: LogAppend[] = records.map(({ symbol, values }) => ({ key: symbol, value: JSON.stringify(values) }))
    // A log that was made unreachable on purpose loses what is quoted meanwhile, as a market does.
    this.#log.append(topic, appends).catch(() => {})
  }
}
