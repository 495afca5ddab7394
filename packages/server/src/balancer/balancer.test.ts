import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { MemoryDirectory } from '../../../../test/support/memory-directory.ts'
import { greyDigest, GreyPolicy, type GreyStop } from '../directory/index.ts'
import { loadConfig } from '../runtime/config/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { createBalancer, type Balancer } from './index.ts'
import { MemoryGateways } from './test-support/memory-gateways.ts'

const running: Balancer[] = []

afterEach(async () => {
  for (const balancer of running.splice(0)) await balancer.close()
})

/** A balancer over gateways in memory that pulse once a second, on a clock that is moved by hand. */
async function start(nodes: readonly string[] = ['gw-1', 'gw-2'], set: readonly string[] = []) {
  const clock = new ManualClock()
  const directory = new MemoryDirectory(clock)
  const gateways = new MemoryGateways(clock)
  const logger = createMemoryLogger()
  const assignments = [
    'node.id=lb-1',
    'log.kind=embedded',
    'directory.enabled=true',
    'balancer.listen.host=127.0.0.1',
    'balancer.listen.port=0',
  ]
  const config = loadConfig('balancer', { assignments: [...assignments, ...set] })
  const stops: GreyStop[] = []
  const stopGrey = async (stop: GreyStop) => void stops.push(stop)
  const balancer = createBalancer(config, { stopGrey, directory, logger, clock, connect: gateways.connect, random: () => 0.3 })
  running.push(balancer)
  directory.catalogue('quote', { generation: 1, topic: 'quotes' })
  for (const node of nodes) {
    directory.beat(node)
    gateways.add(node)
  }
  await balancer.start()
  const world = {
    clock,
    directory,
    gateways,
    logger,
    balancer,
    stops,
    /** Time passes; leases that are live beat each second. */
    pass(ms: number): void {
      for (let passedMs = 0; passedMs < ms; passedMs += 500) {
        if (passedMs % 1000 === 0) for (const [node, { state }] of directory.nodes) if (state === 'live') directory.beat(node)
        clock.advance(Math.min(500, ms - passedMs))
      }
    },
    answer: (track: 'stable' | 'grey' = 'stable') => balancer.api.gateways({ track }),
    nodes: () => (balancer.api.gateways({ track: 'stable' })?.gateways ?? []).map(({ node }) => node).sort(),
    verdict: (node: string) => balancer.api.verdicts().verdicts.find((row) => row.node === node)!,
    codes: (node: string) => world.verdict(node).reasons.map(({ code }) => code),
  }
  return world
}

describe('Balancer', () => {
  it('hands out nobody before a probe has proven it, and is ready from then on', async () => {
    const world = await start()
    assert.equal(world.answer(), null)
    assert.equal(world.balancer.ready, false)
    assert.equal(world.balancer.leaseContent().ready, false)
    world.pass(1500)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
    assert.equal(world.balancer.ready, true)
    assert.equal(world.balancer.leaseContent().ready, true)
    assert.equal(world.answer()!.degraded, false)
    assert.equal(world.verdict('gw-1').probe?.answeredBy?.node, 'gw-1')
    assert.deepEqual(world.balancer.counts.answers, { proven: 2, degraded: 0, none: 1 })
    assert.deepEqual(world.balancer.counts.evictions, [], 'who was never used was not evicted')
  })

  it('drops a frozen gateway within 3 s, says why and since when, and takes it back when it is live', async () => {
    const world = await start()
    world.pass(5000)
    world.gateways.freeze('gw-1')
    const frozenAtMs = world.clock.nowMs()
    world.pass(3000)
    assert.deepEqual(world.nodes(), ['gw-2'])
    const { handedOut, sinceMs, reasons } = world.verdict('gw-1')
    assert.equal(handedOut, false)
    assert.ok(['silent', 'connect_failed'].includes(reasons[0]!.code))
    assert.ok(sinceMs > frozenAtMs && sinceMs <= frozenAtMs + 3000)
    const line = world.logger.lines.find(
      ({ code, fields }) => code === 'node_unusable' && fields['subject'] === 'gw-1' && fields['reasons'] !== undefined,
    )
    assert.ok(line !== undefined)
    const counted = world.balancer.counts.evictions.map(({ role, reason, count }) => [role, reason, count])
    assert.deepEqual(counted, [['gateway', reasons[0]!.code, 1]])
    world.pass(60_000)
    assert.equal(world.verdict('gw-1').sinceMs, sinceMs, 'it is said since when, however long it lasts')
    world.gateways.thaw('gw-1')
    world.pass(5000)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
    assert.deepEqual(world.codes('gw-1'), [])
  })

  it('drops a gateway that refuses connections at once', async () => {
    const world = await start()
    world.pass(5000)
    world.gateways.kill('gw-1')
    world.pass(500)
    assert.deepEqual(world.nodes(), ['gw-2'])
    assert.deepEqual(world.codes('gw-1'), ['connect_failed'])
  })

  it('drops a gateway whose socket is fine and whose pulses stop, are old, or are of a retired generation', async () => {
    const world = await start(['gw-1', 'gw-2', 'gw-3', 'gw-4'])
    world.pass(5000)
    world.gateways.of('gw-1').pulses = false
    world.gateways.of('gw-2').pulseAgeMs = 4000
    world.pass(3000)
    assert.deepEqual(world.codes('gw-1'), ['pulse_missing'])
    assert.deepEqual(world.codes('gw-2'), ['pulse_old'])
    world.directory.catalogue('quote', { generation: 2, topic: 'quotes-v2' }, { retired: [{ generation: 1, topic: 'quotes' }] })
    world.gateways.move('gw-4', 2)
    world.directory.beat('gw-4', { feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 5 }] })
    world.pass(3000)
    assert.deepEqual(world.nodes(), ['gw-4'])
    assert.ok(world.codes('gw-3').includes('generation_retired'))
  })

  it('moves with the catalogue without a gap in what it hands out', async () => {
    const world = await start()
    world.pass(5000)
    const next = { generation: 2, topic: 'quotes-v2' }
    world.directory.catalogue('quote', { generation: 1, topic: 'quotes' }, { next })
    world.pass(1000)
    world.gateways.move('gw-1', 2)
    world.pass(1000)
    assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-1', 'gw-2'], false])
    world.directory.catalogue('quote', next, { retired: [{ generation: 1, topic: 'quotes' }] })
    world.clock.advance(200)
    assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-1', 'gw-2'], false])
    world.gateways.move('gw-2', 2)
    for (const node of ['gw-1', 'gw-2']) world.directory.beat(node, { feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 5 }] })
    for (let i = 0; i < 20; i++) {
      world.clock.advance(100)
      assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-1', 'gw-2'], false])
    }
  })

  it('takes the word of an operator at once', async () => {
    const world = await start()
    world.pass(5000)
    world.directory.say('gw-1', 'offline')
    world.clock.advance(100)
    assert.deepEqual(world.nodes(), ['gw-2'])
    world.directory.say('gw-1', 'online')
    world.clock.advance(100)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
  })

  it('hands out the last known good, marked, when every probe fails at once; not one that is taken offline', async () => {
    const world = await start(['gw-1', 'gw-2', 'gw-3'])
    world.pass(5000)
    for (const node of ['gw-1', 'gw-2', 'gw-3']) world.gateways.of(node).pulses = false
    world.pass(5000)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2', 'gw-3'])
    const { degraded, reasons } = world.answer()!
    assert.deepEqual([degraded, reasons.map(({ code }) => code)], [true, ['probes_failed']])
    assert.deepEqual([world.verdict('gw-1').handedOut, world.verdict('gw-1').degraded], [true, true])
    world.directory.say('gw-2', 'offline')
    world.directory.become('gw-3', 'expired')
    world.clock.advance(100)
    assert.deepEqual(world.nodes(), ['gw-1'])
    world.gateways.of('gw-1').pulses = true
    world.pass(2000)
    assert.equal(world.answer()!.degraded, false)
  })

  it('goes on while the directory brings nothing, and says so', async () => {
    const world = await start()
    world.pass(5000)
    world.directory.see('degraded')
    for (const node of ['gw-1', 'gw-2']) world.directory.become(node, 'kept')
    world.pass(2000)
    // The pulses end as well, not at the same moment everywhere.
    for (const node of ['gw-1', 'gw-2']) {
      world.gateways.of(node).pulses = false
      world.pass(1000)
    }
    for (let i = 0; i < 60; i++) {
      world.pass(1000)
      assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
    }
    assert.deepEqual(
      world.answer()!.reasons.map(({ code }) => code),
      ['directory_degraded'],
    )
    assert.equal(world.balancer.ready, true)
    world.gateways.kill('gw-1')
    world.pass(500)
    assert.deepEqual(world.nodes(), ['gw-2'], 'a probe that fails alone still counts')
  })

  it('takes leases at their word, marked, when it starts into a blackout', async () => {
    const world = await start()
    world.gateways.kill('gw-1')
    world.gateways.kill('gw-2')
    world.pass(4500)
    assert.equal(world.answer(), null)
    assert.equal(world.balancer.ready, false)
    world.pass(1000)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
    assert.deepEqual(
      world.answer()!.reasons.map(({ code }) => code),
      ['never_proven'],
    )
    assert.equal(world.balancer.ready, true)
  })

  it('judges nobody by what came while it stood still itself, and says that its verdicts are old', async () => {
    const world = await start()
    const answers = () => [world.nodes(), world.answer()!.reasons.map(({ code }) => code)]
    world.pass(5000)
    assert.deepEqual(answers(), [['gw-1', 'gw-2'], []])
    world.clock.spend(30_000)
    assert.deepEqual(answers(), [['gw-1', 'gw-2'], ['verdicts_old']], 'asked before anything else runs')
    world.clock.advance(0)
    assert.deepEqual(answers(), [['gw-1', 'gw-2'], ['verdicts_old']])
    world.pass(2000)
    assert.deepEqual(answers(), [['gw-1', 'gw-2'], []])
  })

  it('after a standstill hands out alone what it has heard from since', async () => {
    const world = await start()
    world.pass(5000)
    world.gateways.freeze('gw-1')
    world.clock.spend(30_000)
    world.pass(1000)
    assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-2'], true])
    world.pass(2000)
    assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-2'], false])
  })

  it('judges what changes at once, and a crowd of changes together', async () => {
    const world = await start()
    world.pass(5000)
    world.clock.advance(50)
    world.directory.say('gw-1', 'offline')
    world.clock.advance(0)
    assert.deepEqual(world.nodes(), ['gw-2'])
    world.directory.say('gw-1', 'online')
    world.clock.advance(10)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
    let looks = 0
    const { feeds } = world.directory
    Object.defineProperty(world.directory, 'feeds', {
      get() {
        looks++
        return feeds
      },
    })
    world.balancer.judgeNow()
    const looksOfOne = looks
    for (let change = 0; change < 400; change++) {
      world.directory.beat('gw-1')
      world.clock.advance(0.1)
    }
    const judgements = looks / looksOfOne - 1
    assert.ok(judgements >= 3 && judgements <= 6, `${judgements} in 40 ms`)
  })

  it('keeps the tracks apart', async () => {
    const world = await start()
    world.directory.beat('gw-2', { track: 'grey' })
    world.pass(5000)
    assert.deepEqual(world.nodes(), ['gw-1'])
    assert.deepEqual(
      world.answer('grey')!.gateways.map(({ node }) => node),
      ['gw-2'],
    )
    world.gateways.kill('gw-2')
    world.pass(1000)
    assert.equal(world.answer('grey')!.degraded, true)
    assert.equal(world.answer()!.degraded, false)
  })

  it('sends the users of a grey release to its gateways, always the same ones, and to the others while it has none', async () => {
    const world = await start()
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
      const world = await start(['gw-1', 'gw-2'], [...set, ...more])
      world.directory.beat('gw-2', { track: 'grey' })
      world.pass(5000)
      assert.deepEqual(world.balancer.api.topology().grey, null)
      const release = { percent: 50, users: [], atMs: 7, ...(guarded ? {} : { guarded }) }
      world.directory.grey = new GreyPolicy(release)
      world.pass(60_000)
      assert.equal(world.stops.length, 0, 'as good as the other')
      world.gateways.of('gw-2').pulseAgeMs = 1200
      world.pass(120_000)
      const { tracks, grey } = world.balancer.api.topology()
      assert.deepEqual(
        tracks.map(({ track, gateways, freshnessMs }) => [track, gateways, freshnessMs! >= 1200]),
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
      assert.match(stop!.reason, /age of the newest pulse at grey/)
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
    const world = await start(['gw-1', 'gw-2'])
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

  it('notices that another node answers at an address', async () => {
    const world = await start()
    world.gateways.of('gw-1').name = 'gw-7'
    world.gateways.kill('gw-1')
    world.gateways.restart('gw-1')
    world.pass(3000)
    assert.deepEqual(world.codes('gw-1'), ['wrong_node'])
  })

  it('follows a gateway to another address, and leaves one alone that said goodbye', async () => {
    const world = await start()
    world.pass(3000)
    world.directory.beat('gw-1', { addresses: ['ws://elsewhere:1'] })
    world.pass(500)
    assert.equal(world.verdict('gw-1').probe?.address, 'ws://elsewhere:1')
    world.directory.become('gw-2', 'left')
    world.pass(500)
    assert.equal(world.verdict('gw-2').probe, null)
    assert.equal(world.gateways.of('gw-2').sessions, 0)
  })

  it('says in its lease that it goes, when it drains or is told to', async () => {
    const world = await start()
    world.pass(2000)
    let beats = 0
    world.balancer.beatsBy(() => beats++)
    world.balancer.told('offline')
    assert.deepEqual([world.balancer.leaseContent().ready, world.balancer.leaseContent().draining], [false, true])
    world.balancer.told('online')
    assert.equal(world.balancer.leaseContent().ready, true)
    assert.match(world.balancer.leaseContent().addresses[0]!, /^http:\/\/127\.0\.0\.1:\d+$/)
    await world.balancer.drain()
    assert.equal(world.balancer.leaseContent().draining, true)
    assert.equal(beats, 1)
  })
})
