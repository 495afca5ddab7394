import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { AnswerMemory } from './answer-memory.ts'

function remembers(entriesMax: number, keptForMs = 60_000) {
  const clock = new ManualClock()
  const memory = new AnswerMemory({ entriesMax, keptForMs }, clock)
  const note = (user: string, node = 'gw-1') => {
    const gateways = [{ node, address: `ws://${node}:8080`, zone: 'sg-1' }]
    memory.note({ user, client: 'x'.repeat(1000), zone: '', track: 'stable', gateways, connectAfterMs: 0, degraded: false, refused: false })
  }
  const nodes = (user: string) => memory.of(user).map(({ gateways }) => gateways[0]!.node)
  return { clock, memory, note, nodes }
}

describe('AnswerMemory', () => {
  it('gives the answers of a user alone, oldest first, and no more than a screen of them', () => {
    const { memory, note, nodes } = remembers(100)
    for (let i = 0; i < 30; i++) {
      note('jo', `gw-${i}`)
      note('kim')
    }
    assert.deepEqual(
      nodes('jo'),
      Array.from({ length: 20 }, (_, i) => `gw-${i + 10}`),
    )
    assert.deepEqual(nodes('lee'), [])
    assert.equal(memory.of('jo')[0]!.client.length, 128)
  })

  it('lets the oldest go at its bound, over and over, and says since when it knows all', () => {
    const { clock, memory, note, nodes } = remembers(10)
    const startedAtMs = clock.nowMs()
    assert.equal(memory.sinceMs, startedAtMs)
    for (let i = 0; i < 95; i++) {
      note(`user-${i}`, `gw-${i}`)
      clock.advance(10)
    }
    assert.equal(memory.size, 10)
    for (let i = 0; i < 95; i++) assert.deepEqual(nodes(`user-${i}`), i < 85 ? [] : [`gw-${i}`])
    assert.equal(memory.sinceMs, startedAtMs + 841)
  })

  it('lets go what is too old, whoever asks', () => {
    const { clock, memory, note, nodes } = remembers(10, 1000)
    note('jo', 'gw-1')
    clock.advance(600)
    note('jo', 'gw-2')
    assert.deepEqual(nodes('jo'), ['gw-1', 'gw-2'])
    clock.advance(500)
    assert.deepEqual(nodes('jo'), ['gw-2'])
    assert.equal(memory.size, 1)
    clock.advance(600)
    assert.equal(memory.sinceMs > 0 && memory.size, 0)
  })
})
