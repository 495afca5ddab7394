import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { decodeUpstreamBin, type UpstreamFrame } from '@pulsewire/protocol'
import { GatewayWorld, type GatewayWorldOptions } from '../../../../../test/support/gateway-world.ts'
import { UpstreamLines } from '../../../../../test/support/upstream-lines.ts'
import { createMemoryLogger } from '../../runtime/logger.ts'
import type { ConnectProbe } from './connect.ts'
import { Probe } from './probe.ts'

const ADDRESS = 'ws://gw-1:8080'
const WITHIN_MS = 2800
const open: Probe[] = []

afterEach(() => {
  for (const probe of open.splice(0)) probe.close()
})

/** A real gateway between two push nodes, and a probe of it that sends new sessions, in memory. */
async function entered(
  options: GatewayWorldOptions & { readonly connect?: (lines: UpstreamLines, world: GatewayWorld) => ConnectProbe } = {},
) {
  const world = await GatewayWorld.open(options)
  const lines = new UpstreamLines(world.clock)
  lines.put(ADDRESS, world.gateway)
  const logger = createMemoryLogger()
  const attempts: number[] = []
  const connect = options.connect?.(lines, world) ?? lines.connect
  const probe = new Probe({
    node: 'gw-1',
    address: ADDRESS,
    client: 'test',
    entries: { withinMs: () => WITHIN_MS, client: 'pulsewire-entry/0 lb-1' },
    connect: (address, events) => {
      attempts.push(world.clock.nowMs())
      return connect(address, events)
    },
    clock: world.clock,
    random: () => 0.5,
    logger,
    onChange() {},
  })
  open.push(probe)
  probe.open()
  world.pass(5000)
  return {
    world,
    lines,
    probe,
    logger,
    attempts,
    /** Since somebody new was let in. */
    agoMs: () => world.clock.nowMs() - probe.entry!.enteredAtMs,
    /** Attempts in so much time from now on. */
    attemptsIn(ms: number): number {
      const before = attempts.length
      world.pass(ms)
      return attempts.length - before
    },
  }
}

/** Connections that are open go on; of those that come anew, no such frame arrives. */
function loseOfNew(lines: UpstreamLines, frame: string): void {
  lines.loses = (_, message) => decodeUpstreamBin(message as Uint8Array).some((one) => (one as UpstreamFrame).t === frame)
}

const FEEDS = [{ name: 'quote' }, { name: 'trade', mode: 'every' as const }]

describe('new sessions of a probe', () => {
  it('come again and again, are served at once, and leave nothing behind', async () => {
    const { world, probe, agoMs, attemptsIn } = await entered({ feeds: FEEDS, partitions: 3 })
    const opened = world.gateway.sessions.counts.opened
    let came = 0
    for (let i = 0; i < 60; i++) {
      came += attemptsIn(1000)
      assert.ok(agoMs() <= WITHIN_MS * 0.7, `${agoMs()} ms`)
      const there = [...world.gateway.sessions].filter(({ state }) => state === 'open')
      assert.equal(there.length, 1, 'they have left, but for the probe')
    }
    assert.ok(came >= 30 && came <= 40, `${came} in a minute`)
    assert.equal(probe.entry?.failure, null)
    assert.equal(world.gateway.sessions.counts.opened - opened, came)
    assert.equal(world.gateway.sessions.counts.ended.lost, 0)
    assert.equal(world.gateway.hub.feed('quote')!.symbols.size, 0)
  })

  it('notice a door that is shut, try again soon, then at the usual pace, and notice that it is open', async () => {
    const { lines, probe, agoMs, attemptsIn, world } = await entered()
    lines.shut(ADDRESS)
    const soon = attemptsIn(WITHIN_MS)
    assert.ok(soon >= 3, 'one that lost a packet does not decide')
    assert.match(probe.entry!.failure ?? '', /refused/)
    assert.ok(agoMs() >= WITHIN_MS)
    assert.equal(probe.state, 'open', 'sessions that are open do not show it')
    world.pass(5000)
    const later = attemptsIn(60_000)
    assert.ok(later >= 30 && later <= 40, `${later} in a minute`)
    lines.restore(ADDRESS)
    world.pass(2500)
    assert.deepEqual([probe.entry!.failure, agoMs() <= 2000], [null, true])
  })

  it('want to be welcomed, and answered', async () => {
    const { lines, probe, world, agoMs } = await entered({ feeds: FEEDS })
    loseOfNew(lines, 'hello')
    world.pass(6000)
    assert.equal(probe.entry!.failure, 'no welcome came within 2000 ms')
    loseOfNew(lines, 'subscribe')
    world.pass(6000)
    assert.equal(probe.entry!.failure, 'its subscriptions were not answered within 2000 ms')
    assert.ok(agoMs() > 11_000)
    assert.ok(world.gateway.sessions.size <= 3, 'those that are not served leave')
    lines.loses = () => false
    world.pass(3000)
    assert.equal(probe.entry!.failure, null)
  })

  it('ask for no pulse that nobody gets: that the log is away is not held against the door', async () => {
    const { world, probe, agoMs } = await entered()
    for (const id of ['a1', 'b1']) world.lag(id)
    world.pass(20_000)
    assert.deepEqual([probe.entry!.failure, agoMs() <= 2000], [null, true])
  })

  it('come only while the session of the probe is there, and not after it was closed', async () => {
    const { world, lines, probe, attempts, attemptsIn } = await entered()
    lines.cut(ADDRESS)
    world.pass(20_000)
    const pauses = attempts.slice(-5).map((atMs, i, all) => atMs - (all[i - 1] ?? atMs - 2000))
    assert.ok(
      pauses.every((pauseMs) => pauseMs >= 1000),
      `only those of the probe itself: ${pauses.join(', ')}`,
    )
    lines.restore(ADDRESS)
    world.pass(5000)
    assert.ok(attemptsIn(4000) > 0)
    probe.close()
    assert.equal(attemptsIn(60_000), 0)
    assert.equal(world.gateway.sessions.size, 0)
  })

  it('take it for this balancer’s own affair when there are too many connections of its address, and say so once', async () => {
    const REFUSAL = 'answered with 429: there are as many connections of this address as may be'
    let first = true
    const { world, probe, logger, agoMs } = await entered({
      connect:
        (lines, { clock }) =>
        (address, events) => {
          if (!first) clock.soon(() => events.closed(REFUSAL))
          const connection = first ? lines.connect(address, events) : { send() {}, drop() {} }
          first = false
          return connection
        },
    })
    world.pass(10_000)
    assert.deepEqual([probe.entry!.failure, agoMs() <= 2000], [null, true])
    assert.equal(logger.lines.filter(({ code }) => code === 'probe_limited').length, 1)
  })
})
