import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { feedOptions } from '../../../../test/support/sender.ts'
import { Feed } from './feed.ts'
import { PatternScans } from './pattern-scans.ts'
import { PatternState } from './pattern-state.ts'

const SYMBOLS = 50_000

function setUp(symbols = SYMBOLS) {
  const clock = new ManualClock()
  const feed = new Feed(0, { ...feedOptions, symbolsMax: 2 * symbols })
  for (let n = 0; n < symbols; n++) {
    const symbol = feed.obtain(`S${n}`)!
    symbol.applyRecord({ generation: 1, partition: 0, offset: n, ts: 0, n: 1, prev: -1 }, { last: n }, false)
  }
  const scans = new PatternScans(clock)
  /** Of each scan that is over, its name and what it took. */
  const over: [name: string, took: number][] = []
  const scan = (owner: object, text: string, name = text, max = Infinity): (() => void) => {
    const names = new Set<string>()
    return scans.start(owner, feed, new PatternState(text), {
      take: (symbol) => names.add(symbol.name).size < max,
      done: () => over.push([name, names.size]),
    })
  }
  return { clock, feed, scans, over, scan }
}

test('of a feed that is small a pattern is looked for at once; of many of them only the first few are, in one turn', () => {
  const { clock, scans, over, scan } = setUp(1000)
  scan(scans, '*')
  assert.deepEqual(over.splice(0), [['*', 1000]])
  clock.turn()
  for (let n = 0; n < 100; n++) scan(scans, `X${n}*`)
  const first = over.length
  assert.ok(first > 0 && first < 30, `${first} in one turn`)
  clock.turn()
  assert.deepEqual([over.length, scans.size], [100, 0])
})

test('of a large feed a pattern takes several turns, and misses nothing of what was there', () => {
  const { clock, feed, over, scan } = setUp()
  let turns = 0
  scan({}, 'S*9')
  const count = (): void => {
    turns++
    // What goes in the middle of it does not hide others.
    feed.drop(feed.symbols.get(`S${turns}`)!)
    if (over.length === 0) clock.soon(count)
  }
  clock.soon(count)
  clock.turn()
  assert.ok(turns > 2, `${turns} turns`)
  assert.deepEqual(over, [['S*9', SYMBOLS / 10]])
})

test('who asks for little does not wait behind who asks for much', () => {
  const { clock, over, scan } = setUp()
  const [much, little] = [{}, {}]
  for (let n = 0; n < 50; n++) scan(much, `S1${n}*`, 'much')
  scan(little, 'S2*', 'little')
  clock.turn()
  assert.equal(over.length, 51)
  assert.equal(
    over.findIndex(([name]) => name === 'little'),
    1,
  )
})

test('a scan that was given up says nothing, and one that has enough is over', () => {
  const { clock, scans, over, scan } = setUp()
  const giveUp = scan({}, '*', 'given up')
  const owner = {}
  const giveUpSecond = [scan(owner, '*', 'few', 10), scan(owner, '*', 'second')][1]!
  giveUp()
  giveUpSecond()
  clock.turn()
  assert.deepEqual([over, scans.size], [[['few', 10]], 0])
  giveUp()
})

test('a pattern without a wildcard is a name, and is looked up instead of searched for', () => {
  const { feed, over, scan } = setUp()
  feed.obtain('NEW')
  const searched = mock.method(feed.symbols, 'values').mock
  for (const name of ['S7', 'NEW', 'NONE']) scan({}, name)
  assert.deepEqual(
    over,
    [
      ['S7', 1],
      ['NEW', 0],
      ['NONE', 0],
    ],
    'at once, however large the feed is',
  )
  assert.equal(searched.callCount(), 0)
})
