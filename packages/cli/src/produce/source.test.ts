import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { Quote } from './quote.ts'
import { openSource, type SourceOptions } from './source.ts'

const directory = mkdtempSync(join(tmpdir(), 'pulsewire-produce-'))
after(() => rmSync(directory, { recursive: true, force: true }))

async function read(name: string, content: string, options: Partial<SourceOptions> = {}, countMax = Infinity) {
  const file = join(directory, name)
  writeFileSync(file, content)
  const bad: string[] = []
  const source = openSource({ file, symbols: 1, seed: 1, rate: 1_000, keyField: 'symbol', loop: false, ...options }, (line, reason) =>
    bad.push(`${line}: ${reason}`),
  )
  const quotes: Quote[] = []
  for await (const quote of source) if (quotes.push(quote) >= countMax) break
  return { quotes, bad, badLines: source.badLines }
}

describe('a CSV file', () => {
  it('gives one quote per record, numbers as numbers, empty cells left out', async () => {
    const { quotes } = await read('a.csv', '\uFEFFsymbol,last,name,bid\r\nAAPL.US,187.23,"Apple, Inc.",\r\n00700.HK,-1e2,00700,1e999\r\n')
    assert.deepEqual(quotes, [
      { symbol: 'AAPL.US', values: { last: 187.23, name: 'Apple, Inc.' } },
      { symbol: '00700.HK', values: { last: -100, name: '00700', bid: '1e999' } },
    ])
  })

  it('counts and names bad lines, and goes on', async () => {
    const { quotes, bad, badLines } = await read('b.csv', 'symbol,last\nA,1\nB,2,3\n,4\nC,5\n"D\u0007",6\n')
    assert.deepEqual(
      quotes.map(({ symbol }) => symbol),
      ['A', 'C'],
    )
    assert.equal(badLines, 3)
    assert.deepEqual(
      bad.map((text) => text.split(':')[0]),
      ['3', '4', '6'],
    )
  })
})

describe('an NDJSON file', () => {
  it('gives one quote per line, bad ones counted and named', async () => {
    const { quotes, bad } = await read('a.ndjson', '{"symbol":"A","last":1}\n\nnonsense\n[1]\n{"last":2}\n{"symbol":7}\n{"symbol":"B"}')
    assert.deepEqual(quotes, [
      { symbol: 'A', values: { last: 1 } },
      { symbol: 'B', values: {} },
    ])
    assert.deepEqual(
      bad.map((text) => text.split(':')[0]),
      ['3', '4', '5', '6'],
    )
  })

  it('may be looped, and may name its symbol differently', async () => {
    const { quotes } = await read('b.ndjson', '{"ticker":"A"}\n{"ticker":"B"}\n', { loop: true, keyField: 'ticker' }, 5)
    assert.deepEqual(
      quotes.map(({ symbol }) => symbol),
      ['A', 'B', 'A', 'B', 'A'],
    )
  })

  it('without a usable quote is an error, not an endless loop', async () => {
    await assert.rejects(read('c.ndjson', 'x\n', { loop: true }), { code: 'produce_empty' })
  })

  it('tells the first ten bad lines only', async () => {
    const { bad, badLines } = await read('d.ndjson', `${'x\n'.repeat(50)}{"symbol":"A"}\n`)
    assert.equal(badLines, 50)
    assert.equal(bad.length, 11)
  })
})

describe('a file', () => {
  it('that is missing, or of another kind, is an error', async () => {
    const open = (file: string) =>
      openSource({ file, symbols: 1, seed: 1, rate: 1_000, keyField: 'symbol', loop: false }, () => {})
        [Symbol.asyncIterator]()
        .next()
    await assert.rejects(open(join(directory, 'none.csv')), { code: 'ENOENT' })
    await assert.rejects(open(join(directory, 'none.ndjson')), { code: 'ENOENT' })
    await assert.rejects(open(join(directory, 'quotes.xls')), { code: 'produce_format' })
  })
})

describe('the simulated market', () => {
  it('gives every symbol first, and the same quotes for the same seed', async () => {
    const take = async (seed: number): Promise<string[]> => {
      const quotes: string[] = []
      const source = openSource({ symbols: 20, seed, rate: 100, keyField: 'symbol', loop: false }, () => {})
      for await (const { symbol, values } of source) if (quotes.push(`${symbol} ${values['last']}`) === 200) break
      return quotes
    }
    const quotes = await take(7)
    assert.equal(new Set(quotes.slice(0, 20).map((text) => text.split(' ')[0])).size, 20)
    assert.deepEqual(await take(7), quotes)
    assert.notDeepEqual(await take(8), quotes)
  })
})
