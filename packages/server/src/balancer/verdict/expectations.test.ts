import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDirectory } from '../../../../../test/support/fake-directory.ts'
import { testLease } from '../../../../../test/support/leases.ts'
import type { ProbeReport } from '../probe/report.ts'
import { Expectations } from './expectations.ts'

const LIMITS = { pulseHeardWithinMs: 2500, pulseAgeMaxMs: 2000 }

/** What probes hear of gateways: of feed `quote`, one partition, a pulse of this generation at that moment. */
class Probes {
  readonly #reports = new Map<string, ProbeReport>()

  heard(node: string, generation: number, heardAtMs: number): void {
    const pulses = new Map([[0, { offset: 1, heardAtMs, ageMs: 100, delayMs: 1 }]])
    const generations = new Map([[generation, { partitions: 1, grown: null, pulses }]])
    const feeds = new Map([['quote', { generation, generations, complaint: null }]])
    this.#reports.set(node, { feeds } as unknown as ProbeReport)
  }

  readonly of = (node: string): ProbeReport | null => this.#reports.get(node) ?? null
}

function setUp(...gateways: readonly (readonly [node: string, generation: number])[]) {
  const directory = new FakeDirectory()
  const probes = new Probes()
  const state = { state: 'live', word: 'online', heardAtMs: 0, expiresAtMs: 3000 } as const
  const put = (node: string, generation: number, heardAtMs = 0): void => {
    directory.nodes.set(node, { lease: testLease(node, { feeds: [{ feed: 'quote', generation, pulseAgeMs: 100 }] }), ...state })
    probes.heard(node, generation, heardAtMs)
  }
  for (const [node, generation] of gateways) put(node, generation)
  const expectations = new Expectations(directory, probes.of, LIMITS)
  const at = (nowMs: number) => {
    const { current, accepted } = expectations.at(nowMs).get('quote')!
    return [current, ...[...accepted].sort((a, b) => a - b)]
  }
  return { directory, put, at }
}

test('without a catalogue, a lease of a newer generation is one word, with or without pulses: what most gateways prove counts', () => {
  const { directory, put, at } = setUp(['gw-1', 1], ['gw-2', 1], ['gw-3', 1])
  directory.push('a1', { feeds: [{ feed: 'quote', generation: 1, pulseAgeMs: 100 }] })
  assert.deepEqual(at(0), [1, 1])
  for (const pulseAgeMs of [null, 100]) {
    directory.push('a2', { feeds: [{ feed: 'quote', generation: 99, pulseAgeMs }] })
    assert.deepEqual(at(0), [1, 1])
  }
  put('gw-3', 99)
  assert.deepEqual(at(0), [1, 1], 'nor does a single gateway')
})

test('without a catalogue, a feed moves with half of its gateways; those that stay behind count for a moment longer, and no more', () => {
  const { put, at } = setUp(['gw-1', 1], ['gw-2', 1], ['gw-3', 1], ['gw-4', 1])
  assert.deepEqual(at(0), [1, 1])
  put('gw-1', 2)
  assert.deepEqual(at(0), [1, 1])
  put('gw-2', 2)
  assert.deepEqual(at(100), [2, 1, 2])
  for (const node of ['gw-1', 'gw-2', 'gw-3', 'gw-4']) put(node, node < 'gw-3' ? 2 : 1, 3000)
  assert.deepEqual(at(3000), [2, 2])
})

test('without a catalogue, nobody says what counts until gateways prove it; when they prove nothing any more, it is what it was', () => {
  const { put, at } = setUp()
  put('gw-1', 2, -5000)
  assert.deepEqual(at(0), [null])
  put('gw-1', 2, 1000)
  assert.deepEqual(at(1000), [2, 2])
  assert.deepEqual(at(60_000), [2, 2])
})

test('with a catalogue, a generation that was raised by hand above it is good once half of the gateways prove it', () => {
  const { directory, put, at } = setUp(['gw-1', 1], ['gw-2', 1], ['gw-3', 1])
  const current = { generation: 1, topic: 'quotes' }
  directory.feeds.set('quote', { feed: 'quote', current, next: null, retired: [], revision: 1 })
  put('gw-1', 99)
  assert.deepEqual(at(0), [1, 1])
  put('gw-2', 99)
  assert.deepEqual(at(0), [1, 1, 99])
})

test('of a delayed feed any generation is good that brings pulses: it follows its own feed later', () => {
  const directory = new FakeDirectory()
  const leased = (generation: number) => ({ feed: 'quote-delayed', generation, pulseAgeMs: 100, delayOf: 'quote' })
  directory.push('a1', { feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 100 }, leased(1), leased(2)] })
  directory.push('b1', { feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 100 }, leased(1)] })
  const probes = new Probes()
  directory.nodes.set('gw-1', { ...directory.nodes.get('a1')!, lease: testLease('gw-1', {}) })
  probes.heard('gw-1', 2, 0)
  const expectations = new Expectations(directory, probes.of, LIMITS).at(0)
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
  const delays = () => [...(new Expectations(directory, () => null, LIMITS).at(0).get('late')!.delays ?? [])]
  assert.deepEqual(delays(), [])
  directory.push('b3', { feeds: [{ feed: 'late', generation: 1, pulseAgeMs: 100 }] })
  assert.deepEqual(delays(), [
    [900_000, ['a1', 'b1']],
    [0, ['b3']],
  ])
})
