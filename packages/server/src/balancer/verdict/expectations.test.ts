import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDirectory } from '../../../../../test/support/fake-directory.ts'
import { Expectations } from './expectations.ts'

test('of a delayed feed any generation is good that brings pulses: it follows its own feed later', () => {
  const directory = new FakeDirectory()
  const leased = (generation: number) => ({ feed: 'quote-delayed', generation, pulseAgeMs: 100, delayOf: 'quote' })
  directory.push('a1', { feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 100 }, leased(1), leased(2)] })
  directory.push('b1', { feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 100 }, leased(1)] })
  const expectations = new Expectations(directory, 1000).at(0)
  assert.deepEqual(
    [...expectations.values()].map(({ feed, current }) => [feed, current]),
    [
      ['quote', 2],
      ['quote-delayed', null],
    ],
  )
})
