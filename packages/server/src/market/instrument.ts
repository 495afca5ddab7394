import { EXCHANGES, lotAt, onGrid, PRICE_SCALE, tickDown, tickUp, type Exchange } from './exchanges.ts'
import type { Listing } from './listings.ts'
import { normal, type Random } from './random.ts'

/** A quote record's fields. Prices in the exchange's currency, sizes and volume in shares, `ts` in Unix ms. */
export interface Quote {
  readonly symbol: string
  readonly name: string
  readonly last: number
  readonly bid: number
  readonly ask: number
  readonly bidSize: number
  readonly askSize: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly prevClose: number
  readonly volume: number
  readonly turnover: number
  readonly ts: number
}

/** A trade record's fields. `side` is whose order took the other's: a `buy` paid the ask. `seq` counts per symbol from 1. */
export interface Trade {
  readonly symbol: string
  readonly price: number
  readonly size: number
  readonly side: 'buy' | 'sell'
  readonly seq: number
  readonly ts: number
}

const DAY_MS = 6.5 * 3_600_000
/** How strongly a price is drawn back to the close before, per day. Keeps it within the daily limit without pinning it there. */
const REVERSION_PER_DAY = 1.5
/** What an event is, as a part of 1. The rest changes one size only. */
const TRADE_SHARE = 0.34
const REQUOTE_SHARE = 0.36

/** One symbol's book and day. Prices are whole thousandths in here. */
export class Instrument {
  readonly listing: Listing
  readonly #exchange: Exchange
  readonly #random: Random
  readonly #volatilityPerDay: number
  readonly #beta: number
  /** Where its spread returns to, in ticks. */
  readonly #usualSpreadTicks: number
  readonly #lot: number
  readonly #tradeLots: number
  readonly #prevClose: number
  readonly #open: number
  /** Logarithm of the price that traders agree on, against the close before. */
  #drift: number
  #seenAtMs = 0
  #seenFactor = 0
  #spreadTicks: number
  #bid = 0
  #ask = 0
  #bidSize = 0
  #askSize = 0
  #last: number
  #high: number
  #low: number
  #volume: number
  /** In thousandths of the currency. */
  #turnover: number
  #seq = 0

  /** @param liquidity from 0 (trades now and then) to 1 (the most active): thin symbols have wide spreads. */
  constructor(listing: Listing, liquidity: number, random: Random) {
    this.listing = listing
    this.#exchange = EXCHANGES[listing.market]
    this.#random = random
    this.#volatilityPerDay = 0.012 + 0.028 * random() ** 2
    this.#beta = 0.5 + random()
    this.#usualSpreadTicks = 1 + Math.round((1 - liquidity) * (1 + 6 * random()))
    this.#spreadTicks = this.#usualSpreadTicks
    this.#prevClose = onGrid(this.#exchange, Math.round(listing.price * PRICE_SCALE))
    this.#lot = lotAt(this.#exchange, this.#prevClose)
    this.#tradeLots = Math.max(1, listing.dailyVolume / 20_000 / this.#lot)
    const gap = normal(random) * this.#volatilityPerDay * 0.3
    this.#drift = gap + normal(random) * this.#volatilityPerDay * 0.5
    this.#open = onGrid(this.#exchange, this.#prevClose * Math.exp(gap))
    this.#requote()
    this.#last = random() < 0.5 ? this.#bid : this.#ask
    const range = this.#volatilityPerDay * 0.4
    this.#high = onGrid(this.#exchange, Math.max(this.#open, this.#ask) * (1 + range * random()))
    this.#low = onGrid(this.#exchange, Math.min(this.#open, this.#bid) * (1 - range * random()))
    // The day began some time ago.
    this.#volume = Math.round((listing.dailyVolume * (0.2 + 0.3 * random())) / this.#lot) * this.#lot
    this.#turnover = Math.round((this.#volume * (this.#open + this.#last)) / 2)
  }

  quote(ts: number): Quote {
    return {
      symbol: this.listing.symbol,
      name: this.listing.name,
      last: this.#last / PRICE_SCALE,
      bid: this.#bid / PRICE_SCALE,
      ask: this.#ask / PRICE_SCALE,
      bidSize: this.#bidSize,
      askSize: this.#askSize,
      open: this.#open / PRICE_SCALE,
      high: this.#high / PRICE_SCALE,
      low: this.#low / PRICE_SCALE,
      prevClose: this.#prevClose / PRICE_SCALE,
      volume: this.#volume,
      turnover: Math.round(this.#turnover / PRICE_SCALE),
      ts,
    }
  }

  /**
   * One event in this symbol: a trade, a new best price, or a new size.
   * @param atMs the market's time; @param factor the market's common movement so far, as a logarithm.
   * @returns the trade, if it was one.
   */
  step(atMs: number, factor: number, ts: number): Trade | undefined {
    this.#move(atMs, factor)
    const kind = this.#random()
    if (kind < TRADE_SHARE) return this.#trade(ts)
    if (kind < TRADE_SHARE + REQUOTE_SHARE) this.#requote()
    else if (this.#random() < 0.5) this.#bidSize = this.#newSize()
    else this.#askSize = this.#newSize()
    return undefined
  }

  /** News: the agreed price jumps by this logarithm. */
  shock(size: number): void {
    this.#drift += size
  }

  /** Lets the agreed price wander for the time that went by: its own noise, the market's, and a pull home. */
  #move(atMs: number, factor: number): void {
    const days = (atMs - this.#seenAtMs) / DAY_MS
    const noise = normal(this.#random) * this.#volatilityPerDay * Math.sqrt(days)
    const pull = 1 - Math.min(1, REVERSION_PER_DAY * days)
    const limit = Math.log1p(-this.#exchange.limit * 0.95)
    this.#drift = this.#drift * pull + noise + this.#beta * (factor - this.#seenFactor)
    this.#drift = Math.max(limit, Math.min(-limit * 0.9, this.#drift))
    this.#seenAtMs = atMs
    this.#seenFactor = factor
  }

  /** New best prices around the agreed one; a wide spread tends back to the usual. */
  #requote(): void {
    const step = this.#random()
    if (step < 0.25) this.#spreadTicks += this.#spreadTicks < this.#usualSpreadTicks + 2 ? 1 : 0
    else if (step < 0.7) this.#spreadTicks += Math.sign(this.#usualSpreadTicks - this.#spreadTicks)
    const middle = this.#prevClose * Math.exp(this.#drift)
    let bid = onGrid(this.#exchange, middle)
    for (let ticks = this.#spreadTicks >> 1; ticks > 0; ticks--) bid = tickDown(this.#exchange, bid)
    let ask = bid
    for (let ticks = Math.max(1, this.#spreadTicks); ticks > 0; ticks--) ask = tickUp(this.#exchange, ask)
    if (bid !== this.#bid) this.#bidSize = this.#newSize()
    if (ask !== this.#ask) this.#askSize = this.#newSize()
    this.#bid = bid
    this.#ask = ask
  }

  /** Somebody takes what is offered; what is taken up whole makes room for new best prices. */
  #trade(ts: number): Trade {
    const side = this.#random() < 0.5 ? 'buy' : 'sell'
    const offered = side === 'buy' ? this.#askSize : this.#bidSize
    const size = Math.min(offered, this.#newSize())
    const price = side === 'buy' ? this.#ask : this.#bid
    this.#last = price
    this.#high = Math.max(this.#high, price)
    this.#low = Math.min(this.#low, price)
    this.#volume += size
    this.#turnover += size * price
    if (size === offered) {
      if (side === 'buy') this.#askSize = this.#newSize()
      else this.#bidSize = this.#newSize()
      this.#requote()
    } else if (side === 'buy') this.#askSize -= size
    else this.#bidSize -= size
    return { symbol: this.listing.symbol, price: price / PRICE_SCALE, size, side, seq: ++this.#seq, ts }
  }

  /** Whole lots; most are small, some are ten times the usual. */
  #newSize(): number {
    return Math.ceil(this.#tradeLots * (0.1 + 8 * this.#random() ** 4)) * this.#lot
  }
}
