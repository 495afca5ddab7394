import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import stringWidth from 'string-width'
import { formatAge, formatValue } from './format.ts'
import { renderTable, type TableOptions, type TableRow } from './table.ts'

const NOW_MS = 1_764_000_000_000
const OPTIONS: TableOptions = { columns: 120, rows: 30, nowMs: NOW_MS, colour: false }

function row(symbol: string, overrides: Partial<TableRow> = {}): TableRow {
  return { symbol, state: { state: 'live' }, values: { last: 110.5, prevClose: 100 }, ageMs: 320, latencyMs: 4, ...overrides }
}

describe('the table', () => {
  it('shows price, change, age, latency and state', () => {
    assert.equal(
      renderTable([row('AAPL.US'), row('MSFT.US', { values: { last: 90 }, ageMs: 3_210 })], OPTIONS),
      [
        'symbol    last  change  change %     age  latency  state',
        'AAPL.US  110.5  +10.50    +10.50  320 ms     4 ms  live',
        'MSFT.US     90                     3.2 s     4 ms  live',
      ].join('\n'),
    )
  })

  it('says of stale rows where it broke, why and since when, and greys them', () => {
    const state: TableRow['state'] = {
      state: 'stale',
      hop: 'push-a1',
      reason: 'lagging',
      message: 'reader is behind',
      sinceMs: NOW_MS - 3_200,
    }
    assert.match(renderTable([row('A', { state })], OPTIONS), /stale 3\.2 s at push-a1: lagging, reader is behind$/)
    const [, stale, live] = renderTable([row('A', { state }), row('B')], { ...OPTIONS, colour: true }).split('\n')
    assert.equal(stale?.slice(0, 5), '\u001b[90m')
    assert.equal(live?.slice(0, 5), '\u001b[32m')
  })

  it('never shows what is delayed as if it were of now', () => {
    const table = renderTable([row('A', { state: { state: 'live', delayMs: 900_000 } })], OPTIONS)
    assert.match(table, /live, delayed 15 min$/)
  })

  it('shows chosen fields instead', () => {
    const lines = renderTable([row('A', { values: { bid: 1, note: 'ok' } })], { ...OPTIONS, fields: ['bid', 'note', 'none'] }).split('\n')
    assert.match(lines[1]!, /^A\s+1\s+ok\s+320 ms/)
  })

  it('never wraps and never exceeds its room', () => {
    const many = Array.from({ length: 50 }, (_, i) => row(`腾讯控股${i}`))
    const lines = renderTable(many, { ...OPTIONS, columns: 30, rows: 10 }).split('\n')
    assert.equal(lines.length, 10)
    assert.match(lines.at(-1)!, /42 more/)
    for (const line of lines.slice(0, -1)) assert.ok(stringWidth(line) <= 30, line)
  })

  it('lets no value rule the terminal', () => {
    assert.ok(!renderTable([row('A\u001b[2J', { values: { last: 1, prevClose: 0 } })], OPTIONS).includes('\u001b'))
    assert.equal(formatValue('a\u001b[31mb\n'), 'a\\x1b[31mb\\x0a')
  })

  it('tells ages in the unit that fits', () => {
    assert.deepEqual([undefined, -3, 999, 1_500, 61_000, 7_200_000].map(formatAge), ['', '0 ms', '999 ms', '1.5 s', '1 min', '2 h'])
  })
})
