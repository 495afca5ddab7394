/** A storm: the gateway of 5,000 clients dies, and gateways let in only so many per second. On a clock that is moved by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testLease } from '../../../../../test/support/leases.ts'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import type { Verdict } from '../verdict/verdict-book.ts'
import { HandOut } from './hand-out.ts'

const RATE = 500
const NETWORK_MS_MAX = 200

/** Lets in `RATE` per second, and as many at once as a second's worth; the others are refused. */
class Door {
  readonly #clock: ManualClock
  sessions = 0
  #tokens = RATE
  #atMs: number

  constructor(clock: ManualClock) {
    this.#clock = clock
    this.#atMs = clock.nowMs()
  }

  /** @returns whether the client is let in. */
  knock(): boolean {
    const nowMs = this.#clock.nowMs()
    this.#tokens = Math.min(RATE, this.#tokens + ((nowMs - this.#atMs) / 1000) * RATE)
    this.#atMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens--
    this.sessions++
    return true
  }
}

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

interface Storm {
  readonly refusals: readonly number[]
  readonly admittedAfterMs: readonly number[]
  readonly doors: ReadonlyMap<string, Door>
}

/**
 * All clients at once knock at an address that they remember, or ask a balancer first; who is refused asks a balancer, and
 * comes when it says.
 */
function storm(options: {
  readonly clients?: number
  readonly gateways: number
  readonly balancers: number
  readonly seed: number
  readonly paced: boolean
  readonly asksFirst?: boolean
}): Storm {
  const { clients = 5000 } = options
  const clock = new ManualClock()
  const random = seeded(options.seed)
  const doors = new Map(Array.from({ length: options.gateways }, (_, i) => [`gw-${i + 1}`, new Door(clock)]))
  const heard = new Map([...doors.keys()].map((node) => [node, { sessions: 0, atMs: clock.nowMs() }]))
  const usable = (): Verdict[] =>
    [...doors.keys()].map((node) => {
      const { sessions, atMs } = heard.get(node)!
      const lease = testLease(node, { load: { sessions, sessionsMax: 20_000, busy: 0 } })
      return {
        node,
        role: 'gateway',
        known: { lease, heardAtMs: atMs, expiresAtMs: Infinity, state: 'live', word: 'online' },
        otherZone: null,
        probe: null,
        handedOut: true,
        degraded: false,
        sinceMs: 0,
        reasons: [],
      }
    })
  const limits = { gatewaysMax: 3, connectionsPerSecond: options.paced ? RATE : 0, waitMaxMs: 30_000 }
  const offer = { usable, degradations: () => [], balancers: () => options.balancers }
  const balancers = Array.from({ length: options.balancers }, (_, i) => new HandOut(offer, limits, clock, seeded(options.seed + i)))
  clock.every(1000, () => {
    for (const [node, door] of doors) heard.set(node, { sessions: door.sessions, atMs: clock.nowMs() })
  })
  const startMs = clock.nowMs()
  const refusals = new Array<number>(clients).fill(0)
  const admittedAfterMs = new Array<number>(clients).fill(Infinity)
  const knock = (client: number, node: string): void => {
    if (doors.get(node)!.knock()) admittedAfterMs[client] = clock.nowMs() - startMs
    else {
      refusals[client]!++
      clock.after(random() * NETWORK_MS_MAX, () => askBalancer(client))
    }
  }
  const askBalancer = (client: number): void => {
    const balancer = balancers[Math.floor(random() * balancers.length)]!
    const { gateways, connectAfterMs } = balancer.answer({ track: 'stable', refused: refusals[client]! > 0 })
    clock.after(connectAfterMs + random() * NETWORK_MS_MAX, () => knock(client, gateways[0]!.node))
  }
  const nodes = [...doors.keys()]
  for (let client = 0; client < clients; client++) {
    const begin = options.asksFirst === true ? () => askBalancer(client) : () => knock(client, nodes[Math.floor(random() * nodes.length)]!)
    clock.after(random() * NETWORK_MS_MAX, begin)
  }
  clock.advance(options.paced ? 40_000 : 5000)
  return { refusals, admittedAfterMs, doors }
}

for (const { gateways, balancers } of [
  { gateways: 2, balancers: 1 },
  { gateways: 2, balancers: 2 },
  { gateways: 4, balancers: 3 },
  { gateways: 1, balancers: 1 },
]) {
  for (const asksFirst of [true, false]) {
    const how = asksFirst ? 'that ask first: nobody is refused' : 'that knock first: nobody is refused twice'
    test(`5,000 clients, ${gateways} gateways, ${balancers} balancers, clients ${how}, all are in within 30 s`, () => {
      for (const seed of [1, 2]) {
        const { refusals, admittedAfterMs, doors } = storm({ gateways, balancers, seed, paced: true, asksFirst })
        assert.equal(Math.max(...refusals), asksFirst ? 0 : 1, `seed ${seed}`)
        const last = Math.max(...admittedAfterMs)
        assert.ok(last < 30_000, `seed ${seed}: the last is in after ${last} ms`)
        const counts = [...doors.values()].map(({ sessions }) => sessions)
        assert.ok(Math.max(...counts) - Math.min(...counts) < (5000 / gateways) * 0.2, `seed ${seed}: ${counts.join(', ')}`)
      }
    })
  }
}

test('without pacing the same storm is refused again and again', () => {
  const { refusals } = storm({ gateways: 2, balancers: 1, seed: 1, paced: false })
  assert.ok(Math.max(...refusals) > 5)
})

test('what a gateway takes in a second is there at once, and the row begins behind it: 2,000 clients at 500 a second take 4 s', () => {
  for (const balancers of [1, 2, 3]) {
    const { refusals, admittedAfterMs } = storm({ clients: 2000, gateways: 1, balancers, seed: 1, paced: true, asksFirst: true })
    assert.equal(Math.max(...refusals), 0)
    const inWithinMs = (ms: number) => admittedAfterMs.filter((afterMs) => afterMs <= ms).length
    assert.ok(inWithinMs(2 * NETWORK_MS_MAX) >= 400, `${balancers} balancers: ${inWithinMs(2 * NETWORK_MS_MAX)} at once`)
    // Clients choose balancers by chance, so that one of them has more to share out than the others.
    assert.equal(inWithinMs(4500 + 2 * NETWORK_MS_MAX), 2000)
  }
})
