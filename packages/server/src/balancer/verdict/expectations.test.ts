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

test('push nodes that show a feed with delays that differ are told from each other, those that do not say are left out', () => {
  const directory = new FakeDirectory()
  const leased = (delayMs?: number) => ({
    feed: 'late',
    generation: 1,
    pulseAgeMs: 100,
    delayOf: 'quote',
    ...(delayMs === undefined ? {} : { delayMs }),
  })
  directory.push('a1', { feeds: [leased(900_000)] })
  directory.push('b1', { feeds: [leased(900_000)] })
  directory.push('b2', { feeds: [leased()] })
  const delays = () => [...(new Expectations(directory, 1000).at(0).get('late')!.delays ?? [])]
  assert.deepEqual(delays(), [])
  directory.push('b3', { feeds: [{ feed: 'late', generation: 1, pulseAgeMs: 100 }] })
  assert.deepEqual(delays(), [
    [900_000, ['a1', 'b1']],
    [0, ['b3']],
  ])
})
