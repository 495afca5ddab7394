import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testLease } from '../../../../test/support/leases.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { createEmbeddedLog } from '../log/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { ControlDirectory } from './control-directory.ts'
import { encodeLease, encodeWord } from './control-record.ts'
import type { NodeWord } from './lease.ts'
import { LeaseKeeper, type Member } from './lease-keeper.ts'

const TOPIC = 'control'
const VITALS = { uptimeMs: 1000, loopDelayMs: 1, memoryBytes: 1e8 }
const TIMES = { lifeMs: 3000, beatIntervalMs: 1000 } as const

/** A log with one reader that never stops, and nodes that come and go. */
async function setUp() {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  const logger = createMemoryLogger()
  const watcher = new ControlDirectory({ log, topic: TOPIC, lifeMs: 3000, logger, clock })
  await watcher.start()
  await clock.settle()
  const node = async (id: string) => {
    const connection = log.connect()
    const directory = new ControlDirectory({ log: connection, topic: TOPIC, lifeMs: 3000, logger, clock })
    const said: string[] = []
    const state = { ready: true, pulseAgeMs: 100, beatNow: () => {} }
    const member: Member = {
      leaseContent: () => ({
        addresses: [`ws://${id}:1`],
        feeds: [{ feed: 'quote', generation: 1, pulseAgeMs: state.pulseAgeMs }],
        load: { sessions: 3, sessionsMax: 10 },
        ready: state.ready,
        draining: false,
        ...(state.ready ? {} : { fault: 'x'.repeat(301) }),
      }),
      lapsed: () => {
        said.push('lapsed')
        state.ready = false
      },
      told: (word) => void said.push(word),
      beatsBy: (beatNow) => {
        state.beatNow = beatNow
      },
    }
    const identity = { node: id, role: 'gateway', zone: 'default', track: 'stable', version: '0.1.0' } as const
    const keeper = new LeaseKeeper({
      directory,
      log: connection,
      member,
      identity,
      ...TIMES,
      logger,
      clock,
      busy: () => 0.25,
      vitals: () => VITALS,
    })
    await directory.start()
    await keeper.start()
    await clock.settle()
    const close = async () => {
      await keeper.close()
      await directory.close()
      await clock.settle()
    }
    return { connection, said, state, keeper, close }
  }
  const known = (id: string) => watcher.nodes.get(id)
  const codes = () => logger.lines.map(({ code }) => code)
  return { clock, log, logger, watcher, node, known, codes }
}

test('it beats once a second, and each beat says what is so then', async () => {
  const { clock, log, watcher, node, known } = await setUp()
  const gateway = await node('gw-1')
  assert.equal(known('gw-1')?.lease.beat, 1)
  gateway.state.ready = false
  await clock.pass(5000)
  const { incarnation, ...lease } = known('gw-1')!.lease
  assert.deepEqual(lease, {
    ...omitIncarnation(testLease('gw-1', { beat: 6, addresses: ['ws://gw-1:1'], ready: false })),
    feeds: [{ feed: 'quote', generation: 1, pulseAgeMs: 100 }],
    load: { sessions: 3, sessionsMax: 10, busy: 0.25 },
    fault: 'x'.repeat(300),
    vitals: VITALS,
  })
  assert.ok(incarnation >= 1_764_000_000_000)
  await gateway.close()
  assert.equal(known('gw-1')?.state, 'left')
  assert.deepEqual([known('gw-1')?.lease.ready, known('gw-1')?.lease.draining], [false, true])
  await watcher.close()
  assert.deepEqual([clock.timers, log.readerCount], [0, 0])
})

test('a lease that nobody could read is not written, and that is said; it is written again when it can be', async () => {
  const { clock, watcher, node, known, logger } = await setUp()
  const gateway = await node('gw-1')
  const other = await node('gw-2')
  gateway.state.pulseAgeMs = Number.NaN
  await clock.pass(5000)
  assert.equal(known('gw-1')?.state, 'expired')
  const said = logger.lines.filter(({ code }) => code === 'lease_failed').map(({ message }) => message)
  assert.equal(said.length, 1)
  assert.match(said[0]!, /lease\/gw-1 cannot be written: feeds\.0\.pulseAgeMs/)
  assert.equal(watcher.ignored.malformed, 0)
  gateway.state.pulseAgeMs = 100
  await clock.pass(1000)
  assert.equal(known('gw-1')?.state, 'live')
  gateway.state.pulseAgeMs = Number.NaN
  await clock.pass(1000)
  await gateway.close()
  await other.close()
  await watcher.close()
})

test('a change is told before the next beat is due, but not without end', async () => {
  const { clock, watcher, node, known } = await setUp()
  const gateway = await node('gw-1')
  await clock.pass(300)
  for (let i = 0; i < 50; i++) gateway.state.beatNow()
  await clock.pass(1)
  assert.equal(known('gw-1')?.lease.beat, 2)
  for (let i = 0; i < 50; i++) gateway.state.beatNow()
  await clock.pass(100)
  assert.equal(known('gw-1')?.lease.beat, 2)
  await clock.pass(100)
  assert.equal(known('gw-1')?.lease.beat, 3)
  await gateway.close()
  await watcher.close()
})

test('started again, its incarnation is greater than any before, even where the clock was set back', async () => {
  const { clock, log, watcher, node, known } = await setUp()
  const incarnation = clock.nowMs() + 3_600_000
  log.appendNow(TOPIC, [encodeLease(testLease('gw-1', { incarnation, beat: 500 }))])
  const gateway = await node('gw-1')
  assert.equal(known('gw-1')?.lease.beat, 500, 'it listens whether that one lives')
  await clock.pass(2000)
  assert.deepEqual([known('gw-1')?.lease.incarnation, known('gw-1')?.lease.beat, known('gw-1')?.state], [incarnation + 1, 1, 'live'])
  await gateway.close()
  await watcher.close()
})

test('a process that stood still says that it lapsed before it says that it is ready', async () => {
  const { clock, watcher, node, known, codes } = await setUp()
  const gateway = await node('gw-1')
  await clock.pass(2000)
  const { beat } = known('gw-1')!.lease
  clock.spend(10_000)
  await clock.pass(1000)
  assert.deepEqual(gateway.said, ['lapsed'])
  assert.ok(codes().includes('lease_lapsed'))
  const after = known('gw-1')!.lease
  assert.ok(after.beat > beat && !after.ready)
  await gateway.close()
  await watcher.close()
})

test('a log that is away is no lapse; its return brings no flood of old beats', async () => {
  const { clock, log, watcher, node, known, codes } = await setUp()
  const gateway = await node('gw-1')
  await clock.pass(2000)
  const { beat } = known('gw-1')!.lease
  log.setReachable(false)
  await clock.pass(20_000)
  log.setReachable(true)
  const before = log.describeNow(TOPIC).partitions[0]!.latest
  await clock.pass(2000)
  assert.ok(log.describeNow(TOPIC).partitions[0]!.latest - before <= 3)
  assert.ok(known('gw-1')!.lease.beat > beat)
  assert.deepEqual(gateway.said, [])
  assert.deepEqual(
    codes().filter((code) => code.startsWith('lease_')),
    ['lease_failed', 'lease_resumed'],
  )
  await gateway.close()
  await watcher.close()
})

test('a log that does not answer is not given beat after beat', async () => {
  const { clock, log, watcher, node } = await setUp()
  const gateway = await node('gw-1')
  const append = gateway.connection.append
  const answers: (() => void)[] = []
  gateway.connection.append = async (topic, records) => {
    await new Promise<void>((resolve) => answers.push(resolve))
    return append.call(gateway.connection, topic, records)
  }
  await clock.pass(20_000)
  assert.ok(answers.length > 1 && answers.length <= 20_000 / TIMES.lifeMs + 1, `${answers.length} beats on their way`)
  gateway.connection.append = append
  for (const answer of answers) answer()
  await clock.pass(1000)
  await gateway.close()
  await watcher.close()
  assert.equal(log.readerCount, 0)
})

test('an operator’s word is told to the role, on its next start too, until another is said', async () => {
  const { clock, log, watcher, node } = await setUp()
  const say = (word: NodeWord) => void log.appendNow(TOPIC, [encodeWord('gw-1', { word, atMs: 1 })])
  const first = await node('gw-1')
  say('offline')
  await clock.settle()
  assert.deepEqual(first.said, ['offline'])
  await first.close()
  const second = await node('gw-1')
  assert.deepEqual(second.said, ['offline'])
  say('draining')
  await clock.settle()
  say('online')
  await clock.settle()
  assert.deepEqual(second.said, ['offline', 'draining', 'online'])
  say('offline')
  await clock.settle()
  second.connection.setReachable(false)
  // It was killed: whoever starts now listens whether it lives, and knows what operators said.
  const third = await node('gw-1')
  assert.deepEqual(third.said, ['offline'])
  await Promise.all([second.close(), third.close()])
  await watcher.close()
})

/** How it ended by itself; `null`: it has not. */
function endOf(keeper: LeaseKeeper) {
  const ended: { code: string | null } = { code: null }
  keeper.closed.catch((error: { readonly code: string }) => {
    ended.code = error.code
  })
  return ended
}

test('whoever starts under the name of a process that runs serves nobody, is told to end, and leaves the other alone', async () => {
  const { clock, watcher, node, known, logger } = await setUp()
  const first = await node('gw-1')
  await clock.pass(5000)
  for (let restart = 0; restart < 3; restart++) {
    const second = await node('gw-1')
    const ended = endOf(second.keeper)
    await clock.pass(3000)
    assert.deepEqual([second.said, ended.code], [['offline'], null])
    await clock.pass(26_000)
    assert.equal(ended.code, null, 'no restart without pause')
    await clock.pass(3000)
    assert.equal(ended.code, 'node_id_taken')
    await second.close()
  }
  assert.deepEqual([first.said, known('gw-1')?.state], [[], 'live'])
  assert.match(logger.lines.find(({ code }) => code === 'node_id_taken')!.message, /calls itself gw-1 \(ws:\/\/gw-1:1\)/)
  await first.close()
  assert.equal(known('gw-1')?.state, 'left')
  await watcher.close()
  assert.equal(clock.timers, 0)
})

for (const [what, end] of [
  ['says goodbye', (first: Node) => first.close()],
  ['dies', async (first: Node) => first.connection.setReachable(false)],
] as const) {
  test(`it begins as soon as the other ${what}`, async () => {
    const { clock, watcher, node, known, codes } = await setUp()
    const first = await node('gw-1')
    const beside = await node('gw-2')
    await clock.pass(5000)
    const second = await node('gw-1')
    const ended = endOf(second.keeper)
    await clock.pass(3000)
    const { incarnation } = known('gw-1')!.lease
    await end(first)
    await clock.pass(5000)
    assert.deepEqual([second.said, known('gw-1')?.state], [['offline', 'online'], 'live'])
    assert.ok(known('gw-1')!.lease.incarnation > incarnation)
    assert.ok(!codes().includes('told'), 'no operator said anything')
    await clock.pass(60_000)
    assert.equal(ended.code, null)
    await Promise.all([first.close(), second.close(), beside.close()])
    await watcher.close()
  })
}

test('one that was killed, or is frozen, is not waited for; when it goes on it is told to go, ends, and says no goodbye for the other', async () => {
  const { clock, watcher, node, known, codes } = await setUp()
  const frozen = await node('gw-1')
  const ended = endOf(frozen.keeper)
  await clock.pass(5000)
  frozen.connection.setReachable(false)
  const { incarnation } = known('gw-1')!.lease
  const second = await node('gw-1')
  await clock.pass(2000)
  assert.ok(known('gw-1')!.lease.incarnation > incarnation, 'it has begun')
  assert.deepEqual(second.said, [])
  frozen.connection.setReachable(true)
  await clock.pass(5000)
  assert.deepEqual([frozen.said, ended.code], [['offline'], 'node_superseded'])
  assert.ok(codes().includes('node_superseded'))
  await frozen.close()
  assert.equal(known('gw-1')?.state, 'live')
  await second.close()
  assert.equal(known('gw-1')?.state, 'left')
  await watcher.close()
})

test('closed while it waits for the other to go, nothing is left of it', async () => {
  const { clock, log, watcher, node } = await setUp()
  const first = await node('gw-1')
  await clock.pass(2000)
  const second = await node('gw-1')
  await clock.pass(2000)
  await second.close()
  await first.close()
  await watcher.close()
  assert.deepEqual([clock.timers, log.readerCount], [0, 0])
})

test('closed while the log is away, it does not wait for the goodbye', async () => {
  const { clock, log, watcher, node } = await setUp()
  const gateway = await node('gw-1')
  log.setReachable(false)
  let isClosed = false
  const closing = gateway.close().then(() => {
    isClosed = true
  })
  await clock.pass(1100)
  assert.equal(isClosed, true)
  await closing
  await watcher.close()
})

function omitIncarnation<T extends { readonly incarnation: number }>({ incarnation: _, ...rest }: T): Omit<T, 'incarnation'> {
  return rest
}

type Node = Awaited<ReturnType<Awaited<ReturnType<typeof setUp>>['node']>>
