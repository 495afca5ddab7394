import { createMarket, systemClock } from '@pulsewire/server'
import type { Quote } from './quote.ts'

export interface MarketQuotesOptions {
  readonly symbols: number
  readonly seed: number
  /** Quotes per second that the market is made for; the pacer decides when each goes out. */
  readonly rate: number
}

/** The market is asked for so much of its time at once. */
const STEP_MS = 20

/** Quotes of a simulated market, without end: first every symbol once, then what happens. */
export function* marketQuotes({ symbols, seed, rate }: MarketQuotesOptions): Generator<Quote> {
  const market = createMarket({ symbols, seed, ratePerSecond: rate, clock: systemClock })
  yield* market.snapshot().map(toQuote)
  for (;;) yield* market.next(STEP_MS).map(toQuote)
}

function toQuote({ symbol, values }: { readonly symbol: string; readonly values: object }): Quote {
  return { symbol, values: values as Quote['values'] }
}
