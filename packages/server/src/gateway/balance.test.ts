import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sender } from '../../../../test/support/sender.ts'
import type { Receiver } from '../../../../test/support/receiver.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { Balance, type GatewayPeer } from './balance.ts'

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

/** Gateways that know of each other's sessions, and clients that go where they are asked to. */
class Fleet {
  readonly clock = new ManualClock()
  readonly log = createMemoryLogger()
  readonly nodes: { readonly name: string; readonly sender: Sender; readonly balance: Balance; readonly receivers: Set<Receiver> }[] = []
  moves = 0
  readonly #random = seeded(7)

  constructor(sizes: readonly number[]) {
    for (const [index, size] of sizes.entries()) {
      const name = `gw-${index}`
      const balance = new Balance({ clock: this.clock, random: this.#random, log: this.log, peers: () => this.#peers(name) })
      const sender = new Sender({ clock: this.clock, session: { drainPerSecond: 100 }, elsewhere: (why) => balance.elsewhere(why) })
      balance.attach(sender.sessions)
      this.nodes.push({ name, sender, balance, receivers: new Set() })
      for (let i = 0; i < size; i++) this.#connect(index)
    }
  }

  get sizes(): number[] {
    return this.nodes.map(({ sender }) => sender.sessions.size)
  }

  /** @param follow whether clients do as they are asked. */
  run(ms: number, follow = true): void {
    for (let passedMs = 0; passedMs < ms; passedMs += 500) {
      this.clock.advance(500)
      if (follow) for (const node of this.nodes) for (const receiver of [...node.receivers]) this.#follow(node, receiver)
    }
  }

  #follow(node: Fleet['nodes'][number], receiver: Receiver): void {
    const goodbye = receiver.peek().find((frame) => frame.t === 'goodbye')
    if (goodbye === undefined) return
    assert.equal(goodbye.code, 'rebalance')
    this.moves++
    node.receivers.delete(receiver)
    this.#connect(this.nodes.findIndex(({ name }) => goodbye.addresses?.[0] === `ws://${name}`))
    receiver.disconnect()
  }

  #connect(index: number): void {
    const node = this.nodes[index]!
    node.receivers.add(node.sender.connect())
  }

  #peers(name: string): GatewayPeer[] {
    const others = this.nodes.filter((node) => node.name !== name)
    return others.map((node) => ({ node: node.name, sessions: node.sender.sessions.size, addresses: [`ws://${node.name}`] }))
  }
}

test('after a rolling restart the load evens out: within 10 % of the mean, with about as many moves as it takes', () => {
  const fleet = new Fleet([200, 190, 210, 0])
  fleet.run(60_000)
  for (const size of fleet.sizes) assert.ok(Math.abs(size - 150) <= 20, fleet.sizes.join(' '))
  assert.ok(fleet.moves <= 220, `${fleet.moves} moves where 150 were needed`)
  const { moves } = fleet
  fleet.run(120_000)
  assert.equal(fleet.moves, moves, 'and then it rests')
})

test('a balanced fleet, and a gateway without peers, ask nobody to move', () => {
  for (const sizes of [[100, 105, 110, 95], [300], [12, 0]]) {
    const fleet = new Fleet(sizes)
    fleet.run(60_000)
    assert.equal(fleet.moves, 0, sizes.join(' '))
  }
})

test('nobody is asked before the difference has lasted, and then at the pace of a drain', () => {
  const fleet = new Fleet([400, 0])
  fleet.run(14_500, false)
  assert.equal(fleet.log.lines.length, 0)
  const asked = () => [...fleet.nodes[0]!.receivers].filter((receiver) => receiver.peek().some(({ t }) => t === 'goodbye')).length
  assert.equal(asked(), 0)
  fleet.run(1000, false)
  assert.equal(fleet.log.lines[0]!.code, 'rebalance')
  const first = asked()
  assert.ok(first > 30 && first <= 60, `${first} in half a second, at 100 a second`)
})

test('clients that do not move are not asked again and again, nor cut', () => {
  const fleet = new Fleet([100, 0])
  const goodbyes = () => [...fleet.nodes[0]!.receivers].flatMap((receiver) => receiver.peek().filter(({ t }) => t === 'goodbye')).length
  fleet.run(300_000, false)
  assert.equal(goodbyes(), 100)
  assert.deepEqual(fleet.sizes, [100, 0])
})

test('each client is given a few addresses, the emptier gateways first more often', () => {
  const peers = [0, 50, 100, 150, 200].map((sessions, i) => ({ node: `gw-${i}`, sessions, addresses: [`ws://gw-${i}`, 'ws://other'] }))
  const clock = new ManualClock()
  const balance = new Balance({
    clock,
    random: seeded(3),
    log: createMemoryLogger(),
    peers: () => [...peers, { node: 'x', sessions: 0, addresses: [] }],
  })
  const firsts = new Map<string, number>()
  for (let i = 0; i < 1000; i++) {
    const addresses = balance.elsewhere('draining')
    assert.equal(new Set(addresses).size, 3)
    firsts.set(addresses[0]!, (firsts.get(addresses[0]!) ?? 0) + 1)
  }
  const shares = peers.map(({ node }) => firsts.get(`ws://${node}`)!)
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => b - a),
  )
  assert.ok(shares.at(-1)! > 20, 'no gateway is left out')
  const needy = Array.from({ length: 300 }, () => balance.elsewhere('rebalance')[0])
  assert.ok(needy.includes('ws://gw-0'))
  assert.ok(!needy.includes('ws://gw-4'), 'who has more than the mean is not given more')
  balance.close()
  assert.equal(clock.timers, 0)
})
