import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { arrange, nextOrder, type Order } from './order.ts'
import { Row } from './row.ts'

function row(symbol: string, values: Record<string, string | number>): Row {
  const made = new Row(symbol)
  made.take({ values } as unknown as Parameters<Row['take']>[0])
  return made
}

const rows = [
  row('AAPL.US', { name: 'Apple', last: 230, prevClose: 200 }),
  row('0700.HK', { name: 'Tencent', last: 400, prevClose: 410 }),
  row('9988.HK', { name: 'Alibaba', last: 85, prevClose: 85 }),
  row('NEW.HK', {}),
]
const all = { market: '', query: '' }
const symbols = (order: Order, filter = all) => arrange(rows, filter, order).map(({ symbol }) => symbol)

describe('arrange', () => {
  it('sorts either way, and puts rows without a value last', () => {
    assert.deepEqual(symbols({ key: 'last', descending: true }), ['0700.HK', 'AAPL.US', '9988.HK', 'NEW.HK'])
    assert.deepEqual(symbols({ key: 'last', descending: false }), ['9988.HK', 'AAPL.US', '0700.HK', 'NEW.HK'])
    assert.deepEqual(symbols({ key: 'percent', descending: true }), ['AAPL.US', '9988.HK', '0700.HK', 'NEW.HK'])
  })

  it('breaks ties by symbol', () => {
    assert.deepEqual(symbols({ key: 'state', descending: false }), ['0700.HK', '9988.HK', 'AAPL.US', 'NEW.HK'])
  })

  it('filters by market, and by part of symbol or name', () => {
    const order = { key: 'symbol', descending: false } as const
    assert.deepEqual(symbols(order, { market: 'HK', query: '' }), ['0700.HK', '9988.HK', 'NEW.HK'])
    assert.deepEqual(symbols(order, { market: '', query: ' TENC ' }), ['0700.HK'])
    assert.deepEqual(symbols(order, { market: 'HK', query: 'aapl' }), [])
  })

  it('turns the order round at the second click', () => {
    const first = nextOrder({ key: 'symbol', descending: false }, 'last')
    assert.deepEqual(first, { key: 'last', descending: true })
    assert.deepEqual(nextOrder(first, 'last'), { key: 'last', descending: false })
    assert.deepEqual(nextOrder(first, 'name'), { key: 'name', descending: false })
  })
})
