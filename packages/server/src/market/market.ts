import type { Clock } from '../runtime/clock.ts'
import { Instrument, type Quote, type Trade } from './instrument.ts'
import { buildListings, type Listing } from './listings.ts'
import { exponential, normal, seededRandom, WeightedIndex, type Random } from './random.ts'

export interface MarketOptions {
  /** How many symbols. Default 500. */
  readonly symbols?: number
  /** The same seed gives the same day. Default 1. */
  readonly seed?: number
  /** Quote records per second, on average. Default 2,000. */
  readonly ratePerSecond?: number
  /** Instead of the seed's numbers: uniform in [0, 1). */
  readonly random?: Random
  /** Stamps the records. */
  readonly clock: Pick<Clock, 'nowMs'>
}

export interface MarketRecord<Values> {
  readonly symbol: string
  readonly values: Values
}

/** A simulated market. Every record is a whole image; most differ from the one before in two to four fields. */
export interface Market {
  readonly listings: readonly Listing[]
  /** Every symbol as it is now. */
  snapshot(): MarketRecord<Quote>[]
  /**
   * What happens in the next `elapsedMs`: one record per event, in order, stamped with the clock's time now.
   * After a long pause only the last 5 s are played.
   */
  next(elapsedMs: number): MarketRecord<Quote>[]
  /** The trades among the events of the last `next`: their sizes add up to the growth of `volume`. */
  trades(): readonly MarketRecord<Trade>[]
}

const SYMBOLS = 500
const RATE_PER_SECOND = 2_000
/** The k-th most active symbol has activity 1 / k^0.9: the first tenth of the symbols makes about two thirds of the records. */
const ACTIVITY_EXPONENT = 0.9
/** Part of the symbols that something happens to about once a minute, whatever the rate. */
const ILLIQUID_SHARE = 0.08
const ILLIQUID_PER_SECOND = 1 / 60
/** Bursts: every 8 s on average some symbol has news, and takes a quarter of all events for about 3 s. */
const BURST_EVERY_MS = 8_000
const BURST_MS = 3_000
const BURST_SHARE = 0.25
/** Standard deviation of the jump that the news makes, as a part of the price. */
const BURST_SHOCK = 0.0015
const CATCH_UP_MAX_MS = 5_000
const DAY_MS = 6.5 * 3_600_000
/** Volatility of what all symbols have in common, per day. */
const FACTOR_PER_DAY = 0.012

export function createMarket(options: MarketOptions): Market {
  return new SimulatedMarket(options)
}

class SimulatedMarket implements Market {
  readonly listings: readonly Listing[]
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #random: Random
  readonly #instruments: readonly Instrument[]
  readonly #activity: WeightedIndex
  readonly #msPerEvent: number
  /** The market's own time since it opened; only `next` moves it. */
  #nowMs = 0
  #nextEventAtMs = 0
  #factor = 0
  #burst: Instrument | null = null
  #burstUntilMs = 0
  #nextBurstAtMs: number
  #trades: MarketRecord<Trade>[] = []

  constructor(options: MarketOptions) {
    const { symbols = SYMBOLS, seed = 1, ratePerSecond = RATE_PER_SECOND, clock } = options
    if (!Number.isInteger(symbols) || symbols < 1) throw new RangeError(`symbols must be a whole number from 1, not ${symbols}`)
    if (!(ratePerSecond > 0)) throw new RangeError(`ratePerSecond must be positive, not ${ratePerSecond}`)
    this.#clock = clock
    this.#random = options.random ?? seededRandom(seed)
    this.#msPerEvent = 1000 / ratePerSecond
    this.listings = buildListings(symbols, this.#random)
    const weights = activityOf(this.listings, ratePerSecond)
    const highest = Math.max(...weights)
    this.#instruments = this.listings.map((listing, index) => {
      const liquidity = Math.min(1, (weights[index]! / highest) ** 0.25)
      return new Instrument(listing, liquidity, this.#random)
    })
    this.#activity = new WeightedIndex(weights, this.#random)
    this.#nextEventAtMs = exponential(this.#random) * this.#msPerEvent
    this.#nextBurstAtMs = exponential(this.#random) * BURST_EVERY_MS
  }

  snapshot(): MarketRecord<Quote>[] {
    const ts = Math.floor(this.#clock.nowMs())
    return this.#instruments.map((instrument) => ({ symbol: instrument.listing.symbol, values: instrument.quote(ts) }))
  }

  next(elapsedMs: number): MarketRecord<Quote>[] {
    const stepMs = Math.max(0, Math.min(CATCH_UP_MAX_MS, elapsedMs))
    const untilMs = this.#nowMs + stepMs
    const ts = Math.floor(this.#clock.nowMs())
    this.#factor += normal(this.#random) * FACTOR_PER_DAY * Math.sqrt(stepMs / DAY_MS)
    const records: MarketRecord<Quote>[] = []
    this.#trades = []
    for (; this.#nextEventAtMs <= untilMs; this.#nextEventAtMs += exponential(this.#random) * this.#msPerEvent) {
      const instrument = this.#whoIsNext(this.#nextEventAtMs)
      const symbol = instrument.listing.symbol
      const trade = instrument.step(this.#nextEventAtMs, this.#factor, ts)
      if (trade !== undefined) this.#trades.push({ symbol, values: trade })
      records.push({ symbol, values: instrument.quote(ts) })
    }
    this.#nowMs = untilMs
    return records
  }

  trades(): readonly MarketRecord<Trade>[] {
    return this.#trades
  }

  #whoIsNext(atMs: number): Instrument {
    if (atMs >= this.#nextBurstAtMs) {
      this.#burst = this.#instruments[this.#activity.draw()]!
      this.#burst.shock(normal(this.#random) * BURST_SHOCK)
      this.#burstUntilMs = atMs + BURST_MS * exponential(this.#random)
      this.#nextBurstAtMs = this.#burstUntilMs + BURST_EVERY_MS * exponential(this.#random)
    }
    if (this.#burst !== null) {
      if (atMs >= this.#burstUntilMs) this.#burst = null
      else if (this.#random() < BURST_SHARE) return this.#burst
    }
    return this.#instruments[this.#activity.draw()]!
  }
}

/** Relative activity per symbol, by rank of its turnover. */
function activityOf(listings: readonly Listing[], ratePerSecond: number): number[] {
  const ranked = [...listings.keys()].sort((a, b) => turnover(listings[b]!) - turnover(listings[a]!))
  const illiquidFrom = Math.max(1, Math.ceil(listings.length * (1 - ILLIQUID_SHARE)))
  const weights = new Array<number>(listings.length).fill(0)
  let sum = 0
  for (const [rank, index] of ranked.slice(0, illiquidFrom).entries()) sum += weights[index] = 1 / (rank + 1) ** ACTIVITY_EXPONENT
  for (const index of ranked.slice(illiquidFrom)) weights[index] = (sum * ILLIQUID_PER_SECOND) / ratePerSecond
  return weights
}

function turnover(listing: Listing): number {
  return listing.dailyVolume * listing.price
}
