import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { GatewayWorld, type GatewayWorldOptions } from '../../../../../test/support/gateway-world.ts'
import { UpstreamLines } from '../../../../../test/support/upstream-lines.ts'
import { createMemoryLogger } from '../../runtime/logger.ts'
import { PROBE_PATTERN } from '../../access/index.ts'
import { Probe } from './probe.ts'

const ADDRESS = 'ws://gw-1:8080'
const open: Probe[] = []

afterEach(() => {
  for (const probe of open.splice(0)) probe.close()
})

/** A real gateway between two push nodes, and a probe of it, in memory. */
async function probed(options: GatewayWorldOptions = {}) {
  const world = await GatewayWorld.open(options)
  const lines = new UpstreamLines(world.clock)
  lines.put(ADDRESS, world.gateway)
  const logger = createMemoryLogger()
  let changes = 0
  const probe = new Probe({
    node: 'gw-1',
    address: ADDRESS,
    client: 'test',
    connect: lines.connect,
    clock: world.clock,
    random: () => 0.5,
    logger,
    onChange: () => changes++,
  })
  open.push(probe)
  probe.open()
  return { world, lines, probe, logger, changes: () => changes }
}

function ages(probe: Probe, nowMs: number, feed = 'quote'): (number | undefined)[] {
  const heard = probe.feeds.get(feed)!
  const { partitions, pulses } = heard.generations.get(heard.generation)!
  return Array.from({ length: partitions }, (_, partition) => {
    const pulse = pulses.get(partition)
    return pulse === undefined ? undefined : nowMs - pulse.heardAtMs + pulse.ageMs
  })
}

const FEEDS = [{ name: 'quote' }, { name: 'trade', mode: 'every' as const }]

describe('Probe', () => {
  it('hears the pulses of every partition of every feed of a gateway that has no other client', async () => {
    const { world, probe } = await probed({ feeds: FEEDS, partitions: 3 })
    world.pass(3000)
    assert.equal(probe.state, 'open')
    assert.deepEqual(probe.peer?.node, 'gw-1')
    assert.equal(probe.pulseIntervalMs, 1000)
    for (const feed of ['quote', 'trade']) {
      const all = ages(probe, world.clock.nowMs(), feed)
      assert.equal(all.length, 3)
      for (const ageMs of all) assert.ok(ageMs !== undefined && ageMs < 2000, `${feed}: ${all.join(', ')}`)
    }
    assert.equal(probe.roundTripMs, 0)
  })

  it('brings no quotes, and leaves no symbol behind at the gateway or the push nodes', async () => {
    const { world, probe } = await probed()
    world.record('AAPL.US', { last: 1 })
    world.pass(3000)
    assert.equal(world.gateway.hub.feed('quote')!.symbols.size, 0)
    assert.equal(world.node('a1').feed().symbols.has(PROBE_PATTERN), false)
    probe.close()
    world.pass(1000)
    assert.equal(world.gateway.sessions.size, 0)
  })

  it('stays in step with its gateway, also when a symbol of the name that it asks for appears', async () => {
    const { world, probe, logger } = await probed()
    world.pass(2000)
    world.record(PROBE_PATTERN, { last: 1 })
    world.pass(5000)
    assert.equal(probe.state, 'open')
    assert.equal(probe.failure, null)
    assert.deepEqual(
      [...world.log.lines, ...logger.lines].filter(({ code }) => /digest|probe_/.test(code) && code !== 'probe_open'),
      [],
    )
  })

  it('says how old pulses are that come late, and how much of it was on the way', async () => {
    const { world, probe } = await probed()
    world.pass(2000)
    for (const { ageMs, delayMs } of probe.feeds.get('quote')!.generations.get(1)!.pulses.values())
      assert.ok(delayMs <= ageMs && delayMs < 100, `${delayMs} of ${ageMs} ms`)
    const written = world.clock.nowMs()
    world.lag('a1')
    world.lag('b1')
    world.pass(3000)
    assert.ok(ages(probe, world.clock.nowMs())[0]! >= world.clock.nowMs() - written)
    assert.match(probe.feeds.get('quote')!.complaint ?? '', /at/)
    world.catchUp('a1')
    world.pass(2000)
    assert.ok(ages(probe, world.clock.nowMs())[0]! < 2000)
    assert.equal(probe.feeds.get('quote')!.complaint, null)
  })

  it('follows a feed into a new generation, and keeps what the old one had proven', async () => {
    const { world, probe } = await probed()
    world.pass(2000)
    for (const id of ['a1', 'b1']) world.node(id).hub.setShape(world.node(id).feed(), 2, 1)
    world.pulse()
    world.clock.advance(100)
    assert.deepEqual([...probe.feeds.get('quote')!.generations.keys()], [1, 2])
    assert.equal(probe.feeds.get('quote')!.generation, 2)
    assert.ok(probe.feeds.get('quote')!.generations.get(1)!.pulses.size > 0)
  })

  it('notices a refused connection at once and comes back with growing pauses', async () => {
    const { world, lines, probe } = await probed()
    world.pass(2000)
    lines.cut(ADDRESS)
    assert.equal(probe.state, 'connecting')
    world.clock.advance(200)
    assert.equal(probe.state, 'failed')
    assert.match(probe.failure ?? '', /refused/)
    const early = probe.failures
    world.clock.advance(10_000)
    assert.ok(probe.failures - early <= 12, `${probe.failures - early} attempts in 10 s`)
    assert.ok(probe.failures - early >= 4)
    lines.restore(ADDRESS)
    world.pass(3000)
    assert.equal(probe.state, 'open')
    assert.equal(probe.failures, 0)
  })

  it('gives up a session in which nothing comes any more', async () => {
    const { world, lines, probe } = await probed()
    world.pass(2000)
    lines.holdDown(ADDRESS)
    world.pass(2500)
    assert.equal(probe.state, 'open')
    world.pass(1500)
    assert.equal(probe.state, 'connecting')
    assert.match(probe.failure ?? '', /nothing came for/)
  })

  it('leaves at a goodbye, as a client does, and is back at once where it is let in', async () => {
    const { world, probe } = await probed()
    world.pass(2000)
    const sinceMs = probe.sinceMs
    void world.gateway.sessions.drain(1000)
    world.clock.advance(20)
    assert.match(probe.failure ?? '', /goodbye/)
    world.gateway.sessions.resume()
    world.clock.advance(1000)
    assert.equal(probe.state, 'open')
    assert.ok(probe.sinceMs > sinceMs)
    assert.equal(world.gateway.sessions.size, 1)
  })

  it('takes an address that is none for a failed attempt', () => {
    return probed().then(({ world, logger }) => {
      const probe = new Probe({
        node: 'gw-9',
        address: 'nonsense',
        client: 'test',
        connect: () => {
          throw new SyntaxError('Invalid URL: nonsense')
        },
        clock: world.clock,
        random: () => 0.5,
        logger,
        onChange() {},
      })
      open.push(probe)
      probe.open()
      assert.equal(probe.state, 'failed')
      assert.match(probe.failure ?? '', /Invalid URL/)
    })
  })
})
