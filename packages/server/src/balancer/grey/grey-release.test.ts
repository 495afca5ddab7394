import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { greyDigest, GreyPolicy } from '../../directory/index.ts'
import { startBalancer } from '../test-support/balancer-world.ts'

describe('a balancer and a grey release', () => {
  it('sends the users of a grey release to its gateways, always the same ones, and to the others while it has none', async () => {
    await using world = await startBalancer()
    world.directory.beat('gw-2', { track: 'grey' })
    world.pass(5000)
    const of = (user?: string) => {
      const { track, gateways } = world.balancer.api.gateways({ ...(user === undefined ? {} : { user }) })!
      return [track, ...gateways.map(({ node }) => node)]
    }
    assert.deepEqual(
      [of('jo'), of()],
      [
        ['stable', 'gw-1'],
        ['stable', 'gw-1'],
      ],
    )
    world.directory.grey = new GreyPolicy({ percent: 0, users: [greyDigest('jo')], atMs: 1 })
    assert.deepEqual(
      [of('jo'), of('ma'), of()],
      [
        ['grey', 'gw-2'],
        ['stable', 'gw-1'],
        ['stable', 'gw-1'],
      ],
    )
    world.directory.grey = new GreyPolicy({ percent: 50, users: [], atMs: 2 })
    const users = Array.from({ length: 1000 }, (_, i) => `user-${i}`)
    const first = users.map((user) => of(user)[0])
    const grey = first.filter((track) => track === 'grey').length
    assert.ok(grey > 400 && grey < 600, String(grey))
    world.pass(60_000)
    assert.deepEqual(
      users.map((user) => of(user)[0]),
      first,
    )
    assert.equal(
      world.balancer.api.gateways({ user: users[first.indexOf('grey')]!, track: 'stable' })!.track,
      'stable',
      'who names a track gets it',
    )
    world.directory.say('gw-2', 'offline')
    world.pass(1000)
    assert.deepEqual(new Set(users.map((user) => of(user).join())), new Set(['stable,gw-1']))
  })

  it('stops a grey release whose gateway is worse, once, with the reason; not one that is unguarded, nor where that is off', async () => {
    const set = ['balancer.grey.looksMin=5', 'balancer.grey.holdMs=5000']
    for (const [guarded, more, expected] of [
      [true, [], 1],
      [false, [], 0],
      [true, ['balancer.grey.stop=false'], 0],
    ] as const) {
      await using world = await startBalancer(['gw-1', 'gw-2'], [...set, ...more])
      world.directory.beat('gw-2', { track: 'grey' })
      world.pass(5000)
      assert.deepEqual(world.balancer.api.topology().grey, null)
      const release = { percent: 50, users: [], atMs: 7, ...(guarded ? {} : { guarded }) }
      world.directory.grey = new GreyPolicy(release)
      world.pass(60_000)
      assert.equal(world.stops.length, 0, 'as good as the other')
      Object.assign(world.gateways.of('gw-2'), { pulseAgeMs: 1200, pulseWaitMs: 1000 })
      world.pass(60_000)
      assert.equal(world.stops.length, 0, 'as good still: only that its connection has its turn at another moment')
      world.gateways.of('gw-2').pulseWaitMs = 1
      world.gateways.of('gw-2').pulseAgeMs = 1200
      world.pass(120_000)
      const { tracks, grey } = world.balancer.api.topology()
      assert.deepEqual(
        tracks.map(({ track, gateways, freshnessMs }) => [track, gateways, freshnessMs! > 1100]),
        [
          ['stable', 1, false],
          ['grey', 1, true],
        ],
      )
      assert.deepEqual(
        grey?.worse.map(({ measure }) => measure),
        ['freshnessMs'],
      )
      assert.equal(new Set(world.stops.map(({ of }) => of)).size, expected)
      if (expected === 0) continue
      const [stop] = world.stops
      assert.deepEqual([stop!.of, stop!.by], [7, 'lb-1'])
      assert.match(stop!.reason, /delay of pulses at grey/)
      assert.ok(world.stops.length > 1, 'said again until it has been read')
      world.directory.grey = new GreyPolicy(release, stop)
      const said = world.stops.length
      world.pass(120_000)
      assert.equal(world.stops.length, said)
      assert.equal(world.balancer.api.topology().grey?.stopped?.by, 'lb-1')
      const users = Array.from({ length: 50 }, (_, i) => world.balancer.api.gateways({ user: `user-${i}` })!.track)
      assert.deepEqual(new Set(users), new Set(['stable']))
      assert.ok(world.balancer.api.events(0).events.some(({ kind, message }) => kind === 'grey_stopped' && message.includes('lb-1')))
    }
  })

  it('counts what gateways say of their receivers from look to look, and not what was before or another incarnation', async () => {
    await using world = await startBalancer(['gw-1', 'gw-2'])
    const service = { opened: 900, disconnects: 500, errors: 300, latencyCount: 0, latencySumMs: 0 }
    world.directory.beat('gw-2', { track: 'grey', service, load: { sessions: 100, sessionsMax: 1000, busy: 0 } })
    world.pass(5000)
    const grey = () => world.balancer.api.topology().tracks[1]!
    assert.deepEqual([grey().errorRate, grey().disconnectRate, grey().latencyMs], [0, 0, null])
    world.directory.beat('gw-2', { service: { ...service, disconnects: 510, errors: 302, latencyCount: 10, latencySumMs: 300 } })
    world.pass(60_000)
    const { errorRate, disconnectRate, latencyMs } = grey()
    // 100 sessions for a minute are a tenth of 1,000.
    assert.deepEqual([Math.round(errorRate), Math.round(disconnectRate), latencyMs], [20, 100, 30])
    world.directory.beat('gw-2', { incarnation: 9, service: { ...service, disconnects: 900 } })
    world.pass(60_000)
    assert.deepEqual([grey().errorRate, grey().disconnectRate], [0, 0])
  })
})
