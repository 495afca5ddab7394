import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choose } from './choose.ts'
import { ZonePools } from './pools.ts'

interface Gateway {
  readonly node: number
  readonly zone: string
  readonly load: number
}

/** The same dice in each run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

function thousand(loadOf: (node: number) => number): Gateway[] {
  return Array.from({ length: 1000 }, (_, node) => ({ node, zone: `z${node % 3}`, load: loadOf(node) }))
}

/** As a balancer answers, with how many were weighed for it. */
function answer(gateways: readonly Gateway[], zone: string | undefined, random: () => number) {
  let weighed = 0
  const weigh = (gateway: Gateway) => {
    weighed++
    return { ...gateway, waitMs: 0 }
  }
  const pools = new ZonePools<Gateway>((gateway) => gateway.zone)
  return { chosen: choose(pools.of(gateways, zone), 3, weigh, random), weighed: () => weighed }
}

test('of a thousand gateways, those alone are weighed that are drawn', () => {
  const gateways = thousand(() => 0.5)
  for (const zone of ['z1', undefined, 'nowhere']) {
    const { chosen, weighed } = answer(gateways, zone, seeded(1))
    assert.equal(new Set(chosen.map(({ node }) => node)).size, 3)
    assert.equal(weighed(), 6, `two for each place, zone ${zone}`)
    if (zone === 'z1')
      assert.deepEqual(
        chosen.map((gateway) => gateway.zone === zone),
        [true, true, false],
      )
  }
})

test('whoever has room is found among a thousand that are full; where nobody has, the better of two is given', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const almost = answer(
      thousand((node) => (node === 400 || node === 733 ? 0.9 : 1.2)),
      'z1',
      seeded(seed),
    )
    assert.deepEqual(
      almost.chosen
        .map(({ node }) => node)
        .slice(0, 2)
        .toSorted(),
      [400, 733],
      `seed ${seed}: both are in z1`,
    )
    const { chosen } = answer(
      thousand((node) => 1 + node / 1000),
      undefined,
      seeded(seed),
    )
    assert.equal(new Set(chosen.map(({ node }) => node)).size, 3)
  }
})

test('pools are sorted anew with another list, and zones that clients invent are not kept', () => {
  const pools = new ZonePools<Gateway>((gateway) => gateway.zone)
  const gateways = thousand(() => 0)
  assert.equal(pools.of(gateways, 'z1').near.length, 333)
  assert.equal(pools.of(gateways, 'z1'), pools.of(gateways, 'z1'))
  assert.notEqual(pools.of(gateways, 'invented'), pools.of(gateways, 'invented'))
  const fewer = gateways.filter(({ zone }) => zone !== 'z1')
  assert.deepEqual(pools.of(fewer, 'z1'), { near: [], far: fewer })
  assert.equal(pools.of(fewer, 'z0').far.length, 333)
})
