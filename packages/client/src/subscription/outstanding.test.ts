import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { settled, World } from '../test-support/world.ts'
import type { RepairEvent } from './answers.ts'
import { Outstanding } from './outstanding.ts'
import type { Item } from './split.ts'

const TIMEOUT_MS = 3000
const names = (...all: string[]) => all.map((name): Item => ({ kind: 'symbols', name }))

describe('what is not answered', () => {
  test('is overdue after its time, once, and knows how often it was asked', () => {
    const outstanding = new Outstanding()
    outstanding.ask(names('A', 'B'), 0)
    outstanding.answered('A', 10)
    assert.equal(outstanding.nextAtMs(TIMEOUT_MS), 3000)
    assert.deepEqual(outstanding.takeOverdue(3010, TIMEOUT_MS).items, [])
    assert.deepEqual(outstanding.takeOverdue(3011, TIMEOUT_MS), { items: names('B'), repeats: 1 })
    assert.deepEqual(outstanding.takeOverdue(9999, TIMEOUT_MS), { items: [], repeats: 0 })
    outstanding.ask(names('B'), 10_000)
    assert.equal(outstanding.takeOverdue(13_001, TIMEOUT_MS).repeats, 2)
    outstanding.ask(names('B'), 20_000)
    outstanding.answered('B', 20_001)
    outstanding.ask(names('B'), 30_000)
    assert.equal(outstanding.takeOverdue(33_002, TIMEOUT_MS).repeats, 1, 'an answer is the end of a trouble')
  })

  test('a frame that was overtaken is lost, however busy the id is', () => {
    const outstanding = new Outstanding()
    outstanding.ask(names('LOST'), 0)
    for (let nowMs = 100; nowMs <= 2900; nowMs += 100) {
      outstanding.ask(names(`S${nowMs}`), nowMs)
      outstanding.answered(`S${nowMs}`, nowMs + 10)
    }
    assert.deepEqual(outstanding.takeOverdue(3001, TIMEOUT_MS).items, names('LOST'))
  })

  test('a long answer in many parts is waited for as long as parts come', () => {
    const outstanding = new Outstanding()
    for (let i = 0; i < 10; i++) outstanding.ask(names(`S${i}`), 0)
    for (let i = 0; i < 9; i++) {
      outstanding.answered(`S${i}`, 2000 * (i + 1))
      assert.deepEqual(outstanding.takeOverdue(2000 * (i + 1), TIMEOUT_MS).items, [])
    }
    assert.deepEqual(outstanding.takeOverdue(21_001, TIMEOUT_MS).items, names('S9'))
  })

  test('and not wanted any more is not asked for again, nor is that a repair', async () => {
    const world = new World()
    world.gateway('gw-1').answers = false
    await using client = world.client()
    const repairs: RepairEvent[] = []
    client.on('repair', (event) => repairs.push(event))
    const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US', 'B.HK'] })
    await settled()
    quotes.remove(['AAPL.US', 'B.HK'])
    for (let second = 0; second < 8; second++) {
      await world.clock.advance(1000)
      world.gateways[0]!.heartbeat()
    }
    await settled()
    assert.deepEqual(repairs, [])
    assert.equal(world.gateways[0]!.connection.of('subscribe').length, 1)
  })
})
