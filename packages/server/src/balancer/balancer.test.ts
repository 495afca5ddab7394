import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startBalancer } from './test-support/balancer-world.ts'

describe('Balancer', () => {
  it('hands out nobody before a probe has proven it, and is ready from then on', async () => {
    await using world = await startBalancer()
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
    await using world = await startBalancer()
    world.pass(5000)
    world.gateways.freeze('gw-1')
    const linesBefore = world.logger.lines.length
    const frozenAtMs = world.clock.nowMs()
    world.pass(3000)
    assert.deepEqual(world.nodes(), ['gw-2'])
    const { handedOut, sinceMs, reasons } = world.verdict('gw-1')
    assert.equal(handedOut, false)
    assert.ok(['silent', 'connect_failed'].includes(reasons[0]!.code))
    assert.ok(sinceMs > frozenAtMs && sinceMs <= frozenAtMs + 3000)
    const line = world.logger.lines
      .slice(linesBefore)
      .find(({ code, fields }) => code === 'node_unusable' && fields['subject'] === 'gw-1' && fields['reasons'] !== undefined)
    assert.ok(line !== undefined)
    // That nobody new gets in there either says nothing more.
    assert.deepEqual(line.fields['reasons'], ['silent'])
    const [evicted] = line.fields['reasons'] as string[]
    const counted = world.balancer.counts.evictions.map(({ role, reason, count }) => [role, reason, count])
    assert.deepEqual(counted, [['gateway', evicted, 1]])
    world.pass(60_000)
    assert.equal(world.verdict('gw-1').sinceMs, sinceMs, 'it is said since when, however long it lasts')
    world.gateways.thaw('gw-1')
    world.pass(5000)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
    assert.deepEqual(world.codes('gw-1'), [])
  })

  it('drops a gateway that refuses connections at once', async () => {
    await using world = await startBalancer()
    world.pass(5000)
    world.gateways.kill('gw-1')
    world.pass(500)
    assert.deepEqual(world.nodes(), ['gw-2'])
    assert.deepEqual(world.codes('gw-1'), ['connect_failed'])
  })

  it('drops a gateway within 3 s that serves those who are there and lets nobody new in, and takes it back when it does', async () => {
    await using world = await startBalancer()
    world.pass(5000)
    for (let i = 0; i < 100; i++) {
      world.pass(500)
      assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
    }
    assert.ok(world.gateways.of('gw-1').sessions <= 2, 'those that look whether they are let in leave')
    world.gateways.shut('gw-1')
    world.pass(3000)
    assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-2'], false])
    assert.deepEqual(world.codes('gw-1'), ['entry_failed'])
    const { probe, reasons } = world.verdict('gw-1')
    assert.deepEqual([probe!.state, probe!.entry!.failure], ['open', 'socket hang up'])
    assert.match(reasons[0]!.message, /gw-1 has let nobody new in at ws:\/\/gw-1:8080 for \d\.\d s: socket hang up/)
    world.pass(60_000)
    assert.deepEqual(world.nodes(), ['gw-2'])
    world.gateways.reopen('gw-1')
    world.pass(2500)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
    assert.deepEqual([world.codes('gw-1'), world.verdict('gw-1').probe!.entry!.failure], [[], null])
  })

  it('drops one that lets in who comes, and has no pulses for them', async () => {
    await using world = await startBalancer()
    world.pass(5000)
    world.gateways.of('gw-1').servesNew = false
    world.pass(4000)
    assert.deepEqual([world.nodes(), world.codes('gw-1')], [['gw-2'], ['entry_failed']])
    assert.equal(world.verdict('gw-1').probe!.entry!.failure, 'no pulse of quote came within 2000 ms')
    world.gateways.of('gw-1').servesNew = true
    world.pass(2500)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
  })

  it('opens no more new sessions in a second than it may, and gives gateways as much more time', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `gw-${index + 1}`)
    await using world = await startBalancer(names, ['balancer.entriesPerSecondMax=5', 'balancer.gatewaysMax=16'])
    world.pass(20_000)
    const before = world.gateways.connections
    world.pass(60_000)
    const came = world.gateways.connections - before
    assert.ok(came > 250 && came <= 320, `${came} in a minute`)
    assert.equal(world.verdict('gw-1').probe!.entry!.withinMs, 10_000)
    for (const name of names) assert.deepEqual(world.codes(name), [])
    world.gateways.shut('gw-1')
    world.pass(10_000)
    assert.deepEqual(world.codes('gw-1'), ['entry_failed'])
  })

  it('hands all out, marked, when nobody new gets in anywhere, as when it is its own network that lets no connection through', async () => {
    await using world = await startBalancer()
    world.pass(5000)
    for (const node of ['gw-1', 'gw-2']) world.gateways.shut(node)
    world.pass(5000)
    assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-1', 'gw-2'], true])
  })

  it('notices that another node answers who comes anew, while the session of its probe goes on', async () => {
    await using world = await startBalancer()
    world.pass(5000)
    world.gateways.of('gw-1').name = 'gw-7'
    world.pass(3000)
    assert.deepEqual([world.codes('gw-1'), world.verdict('gw-1').probe!.state], [['wrong_node'], 'open'])
  })

  it('drops a gateway whose socket is fine and whose pulses stop, are old, or are of a retired generation', async () => {
    await using world = await startBalancer(['gw-1', 'gw-2', 'gw-3', 'gw-4'])
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
    await using world = await startBalancer()
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

  it('without a catalogue, hands out who it handed out when a single lease names a generation from the future, and names that node', async () => {
    await using world = await startBalancer()
    world.pass(5000)
    const feeds = [{ feed: 'quote', generation: 99, pulseAgeMs: null }]
    for (const ready of [false, true]) {
      world.directory.beat('push-x', { role: 'push', ready, feeds })
      world.pass(1000)
      assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-1', 'gw-2'], false])
      assert.ok(world.codes('push-x').includes('generation_retired'))
    }
    for (const node of ['gw-1', 'gw-2']) {
      world.gateways.move(node, 2)
      world.directory.beat(node, { feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 5 }] })
    }
    for (let i = 0; i < 40; i++) {
      world.clock.advance(100)
      assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-1', 'gw-2'], false], 'they move together')
    }
  })

  it('takes the word of an operator at once', async () => {
    await using world = await startBalancer()
    world.pass(5000)
    world.directory.say('gw-1', 'offline')
    world.clock.advance(100)
    assert.deepEqual(world.nodes(), ['gw-2'])
    world.directory.say('gw-1', 'online')
    world.clock.advance(100)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
  })

  it('hands out the last known good, marked, when every probe fails at once; not one that is taken offline', async () => {
    await using world = await startBalancer(['gw-1', 'gw-2', 'gw-3'])
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
    await using world = await startBalancer()
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
    await using world = await startBalancer()
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

  it('keeps the tracks apart', async () => {
    await using world = await startBalancer()
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

  it('notices that another node answers at an address', async () => {
    await using world = await startBalancer()
    world.gateways.of('gw-1').name = 'gw-7'
    world.gateways.kill('gw-1')
    world.gateways.restart('gw-1')
    world.pass(3000)
    assert.deepEqual(world.codes('gw-1'), ['wrong_node'])
  })

  it('follows a gateway to another address, and leaves one alone that said goodbye', async () => {
    await using world = await startBalancer()
    world.pass(3000)
    world.directory.beat('gw-1', { addresses: ['ws://elsewhere:1'] })
    world.pass(500)
    assert.equal(world.verdict('gw-1').probe?.address, 'ws://elsewhere:1')
    world.directory.become('gw-2', 'left')
    world.pass(500)
    assert.equal(world.verdict('gw-2').probe, null)
    assert.equal(world.gateways.of('gw-2').sessions, 0)
  })

  it('shares the rate of gateways with balancers that beat, and not with one whose beat is overdue', async () => {
    await using world = await startBalancer(['gw-1'], ['balancer.admission.connectionsPerSecond=10'])
    world.directory.beat('lb-2', { role: 'balancer', addresses: [] })
    world.pass(2000)
    const slotMs = () => {
      // Behind those that are let in at once.
      const waits = Array.from({ length: 12 }, () => world.answer()!.connectAfterMs)
      return waits.at(-1)! - waits.at(-2)!
    }
    assert.equal(slotMs(), 250)
    for (let i = 0; i < 2; i++) {
      world.directory.beat('gw-1')
      world.clock.advance(800)
    }
    assert.equal(world.directory.nodes.get('lb-2')?.state, 'live')
    assert.equal(slotMs(), 125)
  })

  it('says in its lease that it goes, when it drains or is told to', async () => {
    await using world = await startBalancer()
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
