/** What differs between the exchanges. Prices are whole thousandths of the currency here, so that tick arithmetic is exact. */
export const MARKETS = ['US', 'HK', 'SH', 'SZ', 'SG'] as const
export type MarketCode = (typeof MARKETS)[number]

/** Thousandths per unit of currency. */
export const PRICE_SCALE = 1000

export interface Exchange {
  readonly currency: string
  /** Tick by price: from this price (in thousandths) on, this tick (in thousandths). Ascending. */
  readonly ticks: readonly (readonly [fromPrice: number, tick: number])[]
  /** Furthest that a price goes from the close before, as a part of it. */
  readonly limit: number
  /** Lot by price: from this price (in thousandths) on, this many shares. Ascending. */
  readonly lots: readonly (readonly [fromPrice: number, shares: number])[]
}

export const EXCHANGES: Readonly<Record<MarketCode, Exchange>> = {
  US: { currency: 'USD', ticks: [[0, 10]], limit: 0.3, lots: [[0, 1]] },
  // HKEX spread table, Part A, as of August 2025. Lots are each company's choice; cheaper shares come in larger ones.
  HK: {
    currency: 'HKD',
    ticks: [
      [0, 1],
      [250, 5],
      [500, 10],
      [20_000, 20],
      [50_000, 50],
      [100_000, 100],
      [200_000, 200],
      [500_000, 500],
      [1_000_000, 1000],
      [2_000_000, 2000],
    ],
    limit: 0.3,
    lots: [
      [0, 2000],
      [5_000, 1000],
      [20_000, 500],
      [80_000, 100],
    ],
  },
  // The main boards' daily limit is 10 %.
  SH: { currency: 'CNY', ticks: [[0, 10]], limit: 0.1, lots: [[0, 100]] },
  SZ: { currency: 'CNY', ticks: [[0, 10]], limit: 0.1, lots: [[0, 100]] },
  SG: {
    currency: 'SGD',
    ticks: [
      [0, 1],
      [200, 5],
      [2_000, 10],
    ],
    limit: 0.3,
    lots: [[0, 100]],
  },
}

/** The tick that holds for prices from `price` upwards; going down from a step's lower end, the one below holds. */
export function tickAt(exchange: Exchange, price: number): number {
  return stepAt(exchange.ticks, price)
}

export function lotAt(exchange: Exchange, price: number): number {
  return stepAt(exchange.lots, price)
}

/** The grid price at or below `price`, at least one tick. Every step's lower end is a multiple of both its ticks. */
export function onGrid(exchange: Exchange, price: number): number {
  const tick = tickAt(exchange, price)
  return Math.max(tick, Math.floor(price / tick) * tick)
}

/** The grid price next above a grid price. */
export function tickUp(exchange: Exchange, price: number): number {
  return price + tickAt(exchange, price)
}

/** The grid price next below a grid price, at least one tick. */
export function tickDown(exchange: Exchange, price: number): number {
  const tick = tickAt(exchange, price - 1)
  return Math.max(tick, price - tick)
}

function stepAt(steps: readonly (readonly [number, number])[], price: number): number {
  let value = steps[0]![1]
  for (const step of steps) {
    if (step[0] > price) break
    value = step[1]
  }
  return value
}
