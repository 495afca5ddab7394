import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testLease } from '../../../../../test/support/leases.ts'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import type { Lease } from '../../directory/index.ts'
import type { ProbeReport } from '../probe/report.ts'
import type { Degradation, Track, Verdict } from '../verdict/verdict-book.ts'
import { HandOut, type HandOutLimits, type Offer } from './hand-out.ts'

const UNPACED: HandOutLimits = { gatewaysMax: 3, connectionsPerSecond: 0, waitMaxMs: 30_000 }

/** Gateways as balancers know them, and the clients that have come to each. */
class World {
  readonly clock = new ManualClock()
  readonly leases = new Map<string, Lease>()
  readonly #heardAtMs = new Map<string, number>()
  /** Sessions that each gateway really has. */
  readonly sessions = new Map<string, number>()
  balancers = 1
  degradations: Degradation[] = []
  readonly unusable = new Set<string>()
  /** Of the nodes that have one. */
  readonly probes = new Map<string, ProbeReport>()

  constructor(nodes: readonly (string | Partial<Lease>)[]) {
    for (const node of nodes) {
      const lease =
        typeof node === 'string' ? testLease(node, { load: { sessions: 0, sessionsMax: 20_000, busy: 0 } }) : testLease(node.node!, node)
      this.leases.set(lease.node, lease)
      this.sessions.set(lease.node, lease.load.sessions)
      this.#heardAtMs.set(lease.node, this.clock.nowMs())
    }
  }

  balancer(limits: HandOutLimits = UNPACED, random: () => number = seeded(7)): HandOut {
    const offer: Offer = {
      usable: (track) => this.#usable(track),
      degradations: () => this.degradations,
      balancers: () => this.balancers,
    }
    return new HandOut(offer, limits, this.clock, random)
  }

  /** Every gateway says how many it has. */
  beat(): void {
    for (const [node, lease] of this.leases) {
      this.leases.set(node, { ...lease, load: { ...lease.load, sessions: this.sessions.get(node)! } })
      this.#heardAtMs.set(node, this.clock.nowMs())
    }
  }

  connect(node: string): void {
    this.sessions.set(node, this.sessions.get(node)! + 1)
  }

  #usable(track: Track): Verdict[] {
    return [...this.leases.values()]
      .filter((lease) => lease.track === track && !this.unusable.has(lease.node))
      .map((lease) => ({
        node: lease.node,
        role: 'gateway',
        known: { lease, heardAtMs: this.#heardAtMs.get(lease.node)!, expiresAtMs: Infinity, state: 'live', word: 'online' },
        otherZone: null,
        probe: this.probes.get(lease.node) ?? null,
        handedOut: true,
        degraded: false,
        sinceMs: 0,
        reasons: [],
      }))
  }
}

/** The same dice in each run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

const TEN = Array.from({ length: 10 }, (_, i) => `gw-${i + 1}`)
const ask = { track: 'stable' } as const

function spread(world: World): { least: number; most: number } {
  const counts = [...world.sessions.values()]
  return { least: Math.min(...counts), most: Math.max(...counts) }
}

function assertEven(world: World, each: number): void {
  const { least, most } = spread(world)
  assert.ok(least >= each * 0.9 && most <= each * 1.1, `${least} to ${most} on each, expected ${each} within a tenth`)
}

describe('HandOut, spreading', () => {
  it('gives 10,000 clients to 10 gateways equally within a tenth, without a beat in between', () => {
    const world = new World(TEN)
    const balancer = world.balancer()
    for (let i = 0; i < 10_000; i++) world.connect(balancer.answer(ask).gateways[0]!.node)
    assertEven(world, 1000)
  })

  it('does so with three balancers that share nothing, over beats that come late', () => {
    const world = new World(TEN)
    const balancers = [1, 2, 3].map((seed) => world.balancer(UNPACED, seeded(seed)))
    const random = seeded(99)
    for (let i = 0; i < 10_000; i++) {
      const { node } = balancers[Math.floor(random() * 3)]!.answer(ask).gateways[0]!
      world.connect(node)
      world.clock.advance(1)
      if (i % 1500 === 0) world.beat()
    }
    assertEven(world, 1000)
  })

  it('does so while each balancer knows of its own clients alone, all within one beat', () => {
    const world = new World(TEN)
    const balancers = [4, 5].map((seed) => world.balancer(UNPACED, seeded(seed)))
    for (let i = 0; i < 10_000; i++) world.connect(balancers[i % 2]!.answer(ask).gateways[0]!.node)
    assertEven(world, 1000)
  })

  it('fills up an empty gateway without sending everybody there', () => {
    const world = new World([...TEN.slice(0, 9), 'gw-new'])
    for (const node of TEN.slice(0, 9)) world.sessions.set(node, 1000)
    world.beat()
    const balancer = world.balancer()
    for (let i = 0; i < 1000; i++) world.connect(balancer.answer(ask).gateways[0]!.node)
    const got = world.sessions.get('gw-new')!
    assert.ok(got > 150 && got < 250, `a fifth is drawn with it, and it got ${got} of 1000`)
  })

  it('weighs sessions by what a gateway can hold, and spares one that is busy', () => {
    const load = { sessions: 0, sessionsMax: 10_000, busy: 0 }
    const world = new World([
      { node: 'small', load },
      { node: 'large', load: { ...load, sessionsMax: 30_000 } },
    ])
    const balancer = world.balancer()
    for (let i = 0; i < 4000; i++) world.connect(balancer.answer(ask).gateways[0]!.node)
    assert.ok(Math.abs(world.sessions.get('small')! - 1000) < 20, `${world.sessions.get('small')}`)
    world.leases.set('large', { ...world.leases.get('large')!, load: { ...load, sessionsMax: 30_000, busy: 0.99 } })
    assert.equal(balancer.answer(ask).gateways[0]!.node, 'small')
  })

  it('counts a client until a beat can show it, and not twice after that', () => {
    const world = new World(['gw-1', 'gw-2'])
    const balancer = world.balancer()
    for (let i = 0; i < 100; i++) world.connect(balancer.answer(ask).gateways[0]!.node)
    // Beaten before the clients could arrive: the lease still says 0 of one of them, all of the other.
    world.clock.advance(500)
    world.sessions.set('gw-2', 0)
    world.beat()
    const { node } = balancer.answer(ask).gateways[0]!
    assert.equal(node, 'gw-2')
    world.clock.advance(2000)
    world.sessions.set('gw-1', 60)
    world.sessions.set('gw-2', 50)
    world.beat()
    // All is shown now: what is pending would otherwise outweigh it.
    assert.equal(balancer.answer(ask).gateways[0]!.node, 'gw-2')
  })
})

describe('HandOut, near and far', () => {
  const zoned = [
    { node: 'sg-a', zone: 'sg' },
    { node: 'sg-b', zone: 'sg' },
    { node: 'sg-c', zone: 'sg' },
    { node: 'hk-a', zone: 'hk' },
    { node: 'hk-b', zone: 'hk' },
    { node: 'grey-a', zone: 'sg', track: 'grey' },
  ] as const

  it("puts the client's zone first and keeps the last place for another", () => {
    const balancer = new World(zoned).balancer()
    for (let i = 0; i < 100; i++) {
      const zones = balancer.answer({ ...ask, zone: 'sg' }).gateways.map(({ zone }) => zone)
      assert.deepEqual(zones, ['sg', 'sg', 'hk'])
      assert.deepEqual(
        balancer.answer({ ...ask, zone: 'hk' }).gateways.map(({ zone }) => zone),
        ['hk', 'hk', 'sg'],
      )
    }
  })

  it('names each gateway once, and no more than there are', () => {
    const balancer = new World(['gw-1', 'gw-2']).balancer()
    for (let i = 0; i < 100; i++)
      assert.deepEqual(
        balancer
          .answer(ask)
          .gateways.map(({ node }) => node)
          .sort(),
        ['gw-1', 'gw-2'],
      )
  })

  it('serves a client of a zone that has no gateways, and one that names no zone', () => {
    const balancer = new World(zoned).balancer()
    assert.equal(balancer.answer({ ...ask, zone: 'jp' }).gateways.length, 3)
    assert.equal(balancer.answer(ask).gateways.length, 3)
  })

  it('never mixes tracks', () => {
    const balancer = new World(zoned).balancer()
    assert.deepEqual(
      balancer.answer({ track: 'grey', zone: 'hk' }).gateways.map(({ node }) => node),
      ['grey-a'],
    )
    for (let i = 0; i < 100; i++) assert.ok(balancer.answer(ask).gateways.every(({ node }) => node !== 'grey-a'))
  })

  it('takes a full gateway only for want of one with room, near or far', () => {
    const full = { sessions: 100, sessionsMax: 100, busy: 0 }
    const world = new World([
      { node: 'sg-a', zone: 'sg', load: full },
      { node: 'hk-a', zone: 'hk' },
    ])
    assert.deepEqual(
      world
        .balancer()
        .answer({ ...ask, zone: 'sg' })
        .gateways.map(({ node }) => node),
      ['hk-a', 'sg-a'],
    )
    world.unusable.add('hk-a')
    assert.deepEqual(
      world
        .balancer()
        .answer(ask)
        .gateways.map(({ node }) => node),
      ['sg-a'],
    )
  })

  it('names a gateway whose pulse is overdue after all others, and for want of others all the same', () => {
    const world = new World([
      { node: 'sg-a', zone: 'sg' },
      { node: 'sg-b', zone: 'sg' },
      { node: 'hk-a', zone: 'hk' },
    ])
    const nowMs = world.clock.nowMs()
    const heard = (agoMs: number, state: ProbeReport['state'] = 'open'): ProbeReport => ({
      address: '',
      state,
      sinceMs: 0,
      failure: null,
      failures: 0,
      entry: null,
      peer: null,
      heardAtMs: nowMs - agoMs,
      roundTripMs: null,
      pulseIntervalMs: 1000,
      feeds: new Map(),
    })
    const balancer = world.balancer()
    const first = () => balancer.answer({ ...ask, zone: 'sg' }).gateways[0]!.node
    for (const node of ['sg-a', 'sg-b']) world.probes.set(node, heard(1400))
    assert.match(first(), /^sg/)
    world.probes.set('sg-a', heard(1600))
    for (let i = 0; i < 20; i++) assert.equal(first(), 'sg-b')
    world.probes.set('sg-b', heard(100, 'connecting'))
    for (let i = 0; i < 20; i++) assert.equal(first(), 'hk-a', 'the zone may be cut off')
    world.unusable.add('hk-a')
    assert.match(first(), /^sg/)
  })

  it('sends a client to another zone when its own would let it wait for seconds', () => {
    const world = new World([
      { node: 'sg-a', zone: 'sg' },
      { node: 'hk-a', zone: 'hk' },
    ])
    const balancer = world.balancer({ ...UNPACED, connectionsPerSecond: 10 })
    const first = Array.from({ length: 40 }, () => balancer.answer({ ...ask, zone: 'sg' }).gateways[0]!.node)
    assert.deepEqual(new Set(first.slice(0, 16)), new Set(['sg-a']))
    assert.ok(first.slice(16).includes('hk-a'))
  })

  it('passes on what makes the answer a degraded one', () => {
    const world = new World(['gw-1'])
    world.degradations = [{ code: 'probes_failed', message: 'all of them', sinceMs: 5 }]
    assert.deepEqual(world.balancer().answer(ask).degradations, world.degradations)
  })
})

describe('HandOut, pacing', () => {
  const PACED = { ...UNPACED, connectionsPerSecond: 100 }

  it('gives each client a moment of its own, at a rate that leaves room for others', () => {
    const balancer = new World(['gw-1']).balancer(PACED)
    const waits = Array.from({ length: 200 }, () => balancer.answer(ask).connectAfterMs)
    assert.equal(waits[80], 0, 'what it takes in a second comes at once')
    assert.equal(waits[160], 1000)
    for (let i = 81; i < waits.length; i++) assert.ok(waits[i]! > waits[i - 1]!)
  })

  it('lets as many come at once again only when nobody came for as long as they take', () => {
    const world = new World(['gw-1'])
    const balancer = world.balancer(PACED)
    const atOnce = () => {
      for (let clients = 0; ; clients++) if (balancer.answer(ask).connectAfterMs > 0) return clients
    }
    assert.equal(atOnce(), 81)
    // One was told to wait for a moment of its own, and that has passed.
    world.clock.advance(25)
    assert.equal(atOnce(), 1)
    world.clock.advance(3_600_000)
    assert.equal(atOnce(), 81)
  })

  it('shares the rate with the balancers that live', () => {
    const world = new World(['gw-1'])
    world.balancers = 2
    const balancer = world.balancer(PACED)
    const waits = Array.from({ length: 81 }, () => balancer.answer(ask).connectAfterMs)
    assert.equal(waits[80], 1000)
  })

  it('lets nobody wait for longer than the limit, however many ask', () => {
    const balancer = new World(['gw-1']).balancer({ ...PACED, waitMaxMs: 5000 })
    const waits = Array.from({ length: 5000 }, () => balancer.answer(ask).connectAfterMs)
    assert.equal(Math.max(...waits) <= 5000, true)
    const late = waits.slice(1000)
    assert.ok(Math.min(...late) >= 2500 && new Set(late).size > 1000, 'the last ones are spread')
  })

  it('is off at a rate of 0', () => {
    const balancer = new World(['gw-1']).balancer()
    for (let i = 0; i < 1000; i++) assert.equal(balancer.answer(ask).connectAfterMs, 0)
  })
})
