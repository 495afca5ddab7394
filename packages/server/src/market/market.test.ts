import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EXCHANGES, onGrid, PRICE_SCALE, tickAt, tickDown, tickUp, type MarketCode } from './exchanges.ts'
import { createMarket, MARKETS, type MarketOptions, type MarketRecord, type Quote } from './index.ts'

const clock = { nowMs: () => 1_764_000_000_000.5 }

function marketOf(symbol: string): MarketCode {
  return symbol.slice(symbol.lastIndexOf('.') + 1) as MarketCode
}

function gridUnits(price: number): number {
  const units = Math.round(price * PRICE_SCALE)
  assert.equal(units / PRICE_SCALE, price, `${price} has more than three decimals`)
  return units
}

function assertSound({ symbol, values }: MarketRecord<Quote>): void {
  const exchange = EXCHANGES[marketOf(symbol)]
  const { last, bid, ask, open, high, low, prevClose } = values
  for (const price of [last, bid, ask, open, high, low, prevClose]) {
    const units = gridUnits(price)
    assert.equal(onGrid(exchange, units), units, `${symbol}: ${price} is not on the tick grid`)
  }
  assert.ok(bid < ask, `${symbol}: bid ${bid}, ask ${ask}`)
  assert.ok(low <= last && last <= high, `${symbol}: last ${last} outside ${low} to ${high}`)
  const tolerance = (20 * tickAt(exchange, gridUnits(prevClose))) / PRICE_SCALE
  assert.ok(Math.abs(last - prevClose) <= exchange.limit * prevClose + tolerance, `${symbol}: last ${last} far from ${prevClose}`)
  assert.ok(values.bidSize > 0 && values.askSize > 0)
  for (const size of [values.bidSize, values.askSize, values.volume, values.turnover]) assert.ok(Number.isSafeInteger(size))
}

const options = fc.record({
  seed: fc.nat(),
  symbols: fc.integer({ min: 1, max: 60 }),
  ratePerSecond: fc.integer({ min: 1, max: 5_000 }),
})
const steps = fc.array(fc.integer({ min: 0, max: 800 }), { minLength: 1, maxLength: 12 })

describe('simulated market', () => {
  it('quotes sound prices on the tick grid, and volume never falls', () => {
    const property = fc.property(options, steps, (chosen, elapsed) => {
      const market = createMarket({ ...chosen, clock })
      const volumes = new Map<string, number>()
      for (const record of market.snapshot()) {
        assertSound(record)
        volumes.set(record.symbol, record.values.volume)
      }
      for (const ms of elapsed) {
        for (const record of market.next(ms)) {
          assertSound(record)
          assert.ok(record.values.volume >= volumes.get(record.symbol)!)
          volumes.set(record.symbol, record.values.volume)
        }
      }
    })
    fc.assert(property, { numRuns: 60 })
  })

  it('trades add up to the growth of volume, numbered per symbol without a hole', () => {
    const property = fc.property(options, steps, (chosen, elapsed) => {
      const market = createMarket({ ...chosen, clock })
      const volumes = new Map(market.snapshot().map(({ symbol, values }) => [symbol, values.volume]))
      const sequence = new Map<string, number>()
      for (const ms of elapsed) {
        market.next(ms)
        for (const { symbol, values } of market.trades()) {
          assert.equal(values.seq, (sequence.get(symbol) ?? 0) + 1)
          sequence.set(symbol, values.seq)
          volumes.set(symbol, volumes.get(symbol)! + values.size)
        }
      }
      for (const { symbol, values } of market.snapshot()) assert.equal(values.volume, volumes.get(symbol))
    })
    fc.assert(property, { numRuns: 40 })
  })

  it('is the same market for the same seed, and another for another', () => {
    const play = (chosen: Omit<MarketOptions, 'clock'>) => {
      const market = createMarket({ ...chosen, clock })
      return JSON.stringify([market.snapshot(), market.next(500), market.trades(), market.next(333)])
    }
    assert.equal(play({ seed: 7, symbols: 50 }), play({ seed: 7, symbols: 50 }))
    assert.notEqual(play({ seed: 7, symbols: 50 }), play({ seed: 8, symbols: 50 }))
  })

  it('lists as many unique symbols as asked for, of every exchange', () => {
    for (const symbols of [1, 3, 500, 10_000]) {
      const { listings } = createMarket({ symbols, clock })
      assert.equal(listings.length, symbols)
      assert.equal(new Set(listings.map(({ symbol }) => symbol)).size, symbols)
    }
    const { listings } = createMarket({ clock })
    for (const market of MARKETS) assert.ok(listings.some(({ symbol }) => symbol.endsWith(`.${market}`)))
  })

  it('keeps the rate, with a few symbols busy and some nearly silent', () => {
    const market = createMarket({ ratePerSecond: 1_000, clock })
    const counts = new Map<string, number>()
    let total = 0
    for (let second = 0; second < 60; second++) {
      for (const { symbol } of market.next(1_000)) {
        counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
        total++
      }
    }
    assert.ok(Math.abs(total - 60_000) < 1_500, `${total} records in 60 s at 1,000/s`)
    const sorted = market.listings.map(({ symbol }) => counts.get(symbol) ?? 0).sort((a, b) => b - a)
    const busiest = sorted.slice(0, 50).reduce((sum, count) => sum + count, 0)
    assert.ok(busiest > total / 2, `the busiest 50 of 500 make ${busiest} of ${total}`)
    assert.ok(sorted.at(-1)! <= 5, `the quietest has ${sorted.at(-1)}`)
  })

  it('changes few fields in most records', () => {
    const market = createMarket({ symbols: 100, clock })
    const held = new Map(market.snapshot().map(({ symbol, values }) => [symbol, values]))
    let records = 0
    let changes = 0
    for (const { symbol, values } of market.next(5_000)) {
      const before = held.get(symbol)!
      records++
      for (const field of Object.keys(values) as (keyof Quote)[]) if (field !== 'ts' && values[field] !== before[field]) changes++
      held.set(symbol, values)
    }
    assert.ok(changes / records < 4, `${changes / records} fields per record besides ts`)
  })

  it('plays only the last seconds after a long pause', () => {
    assert.ok(createMarket({ ratePerSecond: 100, clock }).next(3_600_000).length < 700)
  })

  it('refuses options that make no market', () => {
    assert.throws(() => createMarket({ symbols: 0, clock }), /symbols must be/)
    assert.throws(() => createMarket({ ratePerSecond: 0, clock }), /ratePerSecond must be/)
  })
})

describe('tick grid', () => {
  it('goes up and down by the tick that holds there, and back again', () => {
    const price = fc.tuple(fc.constantFrom(...MARKETS), fc.integer({ min: 20, max: 4_000_000 }))
    const property = fc.property(price, ([market, rough]) => {
      const exchange = EXCHANGES[market]
      const start = onGrid(exchange, rough)
      const up = tickUp(exchange, start)
      assert.equal(onGrid(exchange, up), up)
      assert.equal(tickDown(exchange, up), start)
    })
    fc.assert(property)
  })

  it('takes the smaller tick below a step', () => {
    assert.equal(tickUp(EXCHANGES.HK, 200_000), 200_200)
    assert.equal(tickDown(EXCHANGES.HK, 200_000), 199_900)
  })
})
