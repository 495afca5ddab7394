import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testLease } from '../../../../test/support/leases.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { passThrough } from '../../../../test/support/pass-through-log.ts'
import { createEmbeddedLog, type Log, type LogAppend } from '../log/index.ts'
import { LogError } from '../runtime/errors.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { firstRevision } from './catalogue.ts'
import { ControlDirectory } from './control-directory.ts'
import { encodeFeed, encodeGrey, encodeGreyOff, encodeGreyStop, encodeLease, encodeRemoval, encodeWord } from './control-record.ts'
import type { Lease, NodeWord } from './lease.ts'

const TOPIC = 'control'

function setUp(options: { readonly through?: (log: Log) => Log } = {}) {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  const logger = createMemoryLogger()
  const through = options.through?.(passThrough(log)) ?? log
  const open = (more: { readonly otherZone?: string } = {}) =>
    new ControlDirectory({ log: through, topic: TOPIC, lifeMs: 3000, logger, clock, ...more })
  const directory = open()
  const append = (...records: LogAppend[]) => void log.appendNow(TOPIC, records)
  const beats = new Map<string, number>()
  const beat = (node: string, lease: Partial<Lease> = {}, left = false) => {
    const number = (beats.get(node) ?? 0) + 1
    beats.set(node, number)
    append(encodeLease(testLease(node, { beat: number, ...lease }), left))
  }
  const states = (of = directory) => Object.fromEntries([...of.nodes].map(([node, { state }]) => [node, state]))
  /** Time passes with a beat of each of these nodes every second. */
  const pass = async (ms: number, ...nodes: string[]) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 1000) {
      for (const node of nodes) beat(node)
      await clock.pass(Math.min(1000, ms - passedMs))
    }
  }
  const codes = () => logger.lines.map(({ code }) => code)
  return { clock, log, logger, directory, open, append, beat, states, pass, codes }
}

async function started(options: Parameters<typeof setUp>[0] = {}) {
  const world = setUp(options)
  world.log.createTopicNow(TOPIC, { partitions: 1 })
  await world.directory.start()
  await world.clock.settle()
  return world
}

test('a node lives by its beats, and expires a life after the last one that was read', async () => {
  const { clock, directory, states, pass } = await started()
  await pass(3000, 'me', 'gw-1')
  assert.deepEqual([directory.view, states()], ['current', { me: 'live', 'gw-1': 'live' }])
  await pass(1900, 'me')
  assert.equal(states()['gw-1'], 'live')
  await pass(100, 'me')
  assert.equal(states()['gw-1'], 'expired')
  assert.equal(directory.nodes.get('gw-1')!.expiresAtMs - directory.nodes.get('gw-1')!.heardAtMs, 3000)
  await pass(1000, 'me', 'gw-1')
  assert.equal(states()['gw-1'], 'live')
  await directory.close()
  assert.equal(clock.timers, 0)
})

test('a node that says goodbye is gone at once', async () => {
  const { clock, directory, beat, states, pass } = await started()
  await pass(2000, 'me', 'gw-1')
  beat('gw-1', {}, true)
  await clock.settle()
  assert.equal(states()['gw-1'], 'left')
  await directory.close()
})

test('what was in the log before reading began says nothing of who lives', async () => {
  const { clock, log, directory, beat, states, pass } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  for (const node of ['dead', 'lives', 'left']) beat(node)
  beat('left', {}, true)
  await directory.start()
  await clock.settle()
  assert.deepEqual([directory.view, states()], ['loading', { left: 'left' }])
  await pass(1000, 'me', 'lives')
  assert.deepEqual([directory.view, states()], ['loading', { left: 'left', me: 'live', lives: 'live' }])
  await pass(2200, 'me', 'lives')
  assert.deepEqual([directory.view, states()], ['current', { left: 'left', me: 'live', lives: 'live', dead: 'expired' }])
  await directory.close()
})

test('while nothing at all has been heard, it is loading', async () => {
  const { clock, log, directory, beat, states, pass } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  beat('gw-1')
  await directory.start()
  await clock.pass(20_000)
  assert.deepEqual([directory.view, states()], ['loading', {}])
  await pass(100, 'gw-1')
  assert.deepEqual([directory.view, states()], ['current', { 'gw-1': 'live' }])
  await directory.close()
})

test('an older incarnation and a replay are not believed', async () => {
  const { clock, directory, beat, states, pass } = await started()
  await pass(1000, 'me')
  beat('gw-1', { incarnation: 5, beat: 10, version: 'new' })
  beat('gw-1', { incarnation: 4, beat: 99, version: 'old' })
  beat('gw-1', { incarnation: 5, beat: 10, version: 'again' })
  beat('gw-1', { incarnation: 5, beat: 9, version: 'before' })
  await clock.settle()
  assert.equal(directory.nodes.get('gw-1')!.lease.version, 'new')
  assert.deepEqual([directory.ignored.older_incarnation, directory.ignored.replayed], [1, 2])
  await pass(2900, 'me')
  beat('gw-1', { incarnation: 4, beat: 100 })
  await pass(200, 'me')
  assert.equal(states()['gw-1'], 'expired')
  beat('gw-1', { incarnation: 6, beat: 1 })
  await clock.settle()
  assert.equal(states()['gw-1'], 'live')
  assert.equal(directory.incarnationOf('gw-1'), 6)
  await directory.close()
})

const SILENCES = [
  ['cannot be reached', (world: World) => world.log.setReachable(false), (world: World) => world.log.setReachable(true)],
  ['brings nothing', (world: World) => world.log.pauseDelivery(TOPIC, 0), (world: World) => world.log.resumeDelivery(TOPIC, 0)],
] as const

for (const [how, stop, resume] of SILENCES) {
  test(`the log ${how}: nobody is judged, then, or by what is read just after`, async () => {
    const world = await started()
    const { directory, states, pass, codes } = world
    await pass(3000, 'me', 'gw-1', 'gw-2', 'gone')
    await pass(3500, 'me', 'gw-1', 'gw-2')
    assert.equal(states()['gone'], 'expired')
    stop(world)
    await pass(20_000)
    assert.deepEqual([directory.view, states()], ['degraded', { me: 'kept', 'gw-1': 'kept', 'gw-2': 'kept', gone: 'expired' }])
    resume(world)
    await pass(2000, 'me', 'gw-1')
    assert.deepEqual([directory.view, states()['gw-1'], states()['gw-2']], ['degraded', 'live', 'kept'])
    await pass(3000, 'me', 'gw-1', 'gw-2')
    assert.deepEqual([directory.view, states()], ['current', { me: 'live', 'gw-1': 'live', 'gw-2': 'live', gone: 'expired' }])
    assert.deepEqual(
      codes().filter((code) => code.startsWith('view_')),
      ['view_current', 'view_degraded', 'view_current'],
    )
    await directory.close()
  })
}

for (const [how, stop, resume] of SILENCES) {
  test(`the log ${how} but for one beat: that says nothing of the others, who had no time to be heard`, async () => {
    const world = await started()
    const { clock, directory, beat, states, pass, codes } = world
    await pass(3000, 'me', 'gw-1', 'gw-2')
    beat('gw-2')
    await clock.settle()
    stop(world)
    await clock.pass(1400)
    resume(world)
    beat('gw-2')
    await clock.settle()
    stop(world)
    // Their last beats came 3.1 s ago, and for half a life nothing at all has not come once.
    await clock.pass(700)
    assert.deepEqual([directory.view, states()], ['current', { me: 'live', 'gw-1': 'live', 'gw-2': 'live' }])
    await clock.pass(900)
    assert.equal(directory.view, 'degraded')
    resume(world)
    await pass(4000, 'me', 'gw-1', 'gw-2')
    assert.deepEqual([directory.view, states()], ['current', { me: 'live', 'gw-1': 'live', 'gw-2': 'live' }])
    assert.ok(!codes().includes('lease_expired'))
    await directory.close()
  })

  test(`a node that is gone expires a life of hearing after its last beat, when the log ${how} in between`, async () => {
    const world = await started()
    const { clock, directory, beat, states, pass } = world
    await pass(3000, 'me', 'gone')
    beat('me')
    await clock.settle()
    stop(world)
    await clock.pass(1400)
    resume(world)
    // What it had left of its life when the silence began: 2 s.
    await pass(1900, 'me')
    assert.deepEqual([directory.view, states()], ['current', { me: 'live', gone: 'live' }])
    await pass(200, 'me')
    assert.deepEqual([directory.view, states()], ['current', { me: 'live', gone: 'expired' }])
    await directory.close()
  })
}

test('after a silence, whoever does not come back is judged in the end', async () => {
  const { log, directory, states, pass } = await started()
  await pass(3000, 'me', 'gw-1')
  log.setReachable(false)
  await pass(10_000)
  log.setReachable(true)
  await pass(8000, 'me')
  assert.deepEqual([directory.view, states()['gw-1']], ['degraded', 'kept'])
  await pass(2000, 'me')
  assert.deepEqual([directory.view, states()['gw-1']], ['current', 'expired'])
  await directory.close()
})

test('beats that stop again before a life has passed leave the view degraded', async () => {
  const { log, directory, states, pass } = await started()
  await pass(3000, 'me')
  log.setReachable(false)
  await pass(5000)
  log.setReachable(true)
  await pass(2000, 'me')
  log.setReachable(false)
  await pass(5000)
  log.setReachable(true)
  await pass(2000, 'me')
  assert.deepEqual([directory.view, states()], ['degraded', { me: 'live' }])
  await pass(2000, 'me')
  assert.equal(directory.view, 'current')
  await directory.close()
})

test('a process that stood still judges nobody by what it did not hear', async () => {
  const { clock, directory, states, pass } = await started()
  await pass(3000, 'me', 'gw-1')
  clock.spend(10_000)
  await clock.pass(100)
  assert.deepEqual([directory.view, states()], ['degraded', { me: 'kept', 'gw-1': 'kept' }])
  await pass(4000, 'me', 'gw-1')
  assert.deepEqual([directory.view, states()], ['current', { me: 'live', 'gw-1': 'live' }])
  await directory.close()
})

test('a standstill too short for a silence judges nobody either', async () => {
  const { clock, directory, beat, states, pass } = await started()
  await pass(3000, 'me', 'gw-1')
  await pass(1900, 'me')
  beat('me')
  await clock.pass(50)
  assert.deepEqual([directory.view, states()['gw-1']], ['current', 'live'])
  // Its life is over by now, but the beat that would have kept it lies unread.
  clock.spend(1100)
  await clock.pass(50)
  assert.deepEqual([directory.view, states()['gw-1']], ['degraded', 'kept'])
  await directory.close()
})

test('words are had at once by every reader, by one that starts later too, and for nodes without a lease', async () => {
  const { clock, directory, open, append, pass } = await started()
  const word = (node: string, said: NodeWord) => append(encodeWord(node, { word: said, atMs: 1 }))
  await pass(1000, 'me', 'gw-1')
  assert.equal(directory.nodes.get('gw-1')!.word, 'online')
  word('gw-1', 'offline')
  word('gw-2', 'draining')
  await clock.settle()
  assert.deepEqual([directory.nodes.get('gw-1')!.word, directory.wordOf('gw-2')?.word], ['offline', 'draining'])
  const later = open()
  await later.start()
  await later.readBack
  assert.deepEqual([later.wordOf('gw-1')?.word, later.wordOf('gw-2')?.word], ['offline', 'draining'])
  word('gw-1', 'online')
  append(encodeRemoval('word', 'gw-2'))
  await pass(1000, 'gw-1', 'gw-2')
  assert.deepEqual([later.nodes.get('gw-1')!.word, later.nodes.get('gw-2')!.word], ['online', 'online'])
  await Promise.all([directory.close(), later.close()])
})

test('who said something is known to every reader, and in the log of those who hear it', async () => {
  const { clock, directory, logger, append, pass } = await started()
  await pass(1000, 'me', 'gw-1')
  const by = 'jo@ops-1'
  const feed = { feed: 'quote', current: { generation: 1, topic: 'quotes' }, next: null, retired: [], revision: 1 }
  append(encodeWord('gw-1', { word: 'offline', atMs: 1, by }))
  append(encodeFeed({ ...feed, said: { by, atMs: 2 } }))
  append(encodeGrey({ percent: 5, users: [], atMs: 3, by }), encodeGreyOff(4, 'ma@ops-2'))
  await clock.settle()
  assert.deepEqual(directory.nodes.get('gw-1')?.told, { by, atMs: 1 })
  assert.deepEqual(directory.feeds.get('quote')?.said, { by, atMs: 2 })
  assert.deepEqual([directory.grey, directory.greySaid?.by], [null, 'ma@ops-2'])
  const said = logger.lines.filter(({ code }) => /^(node_word|feed_said|grey_said)$/.test(code))
  assert.deepEqual(
    said.map(({ message }) => message),
    [
      'gw-1 was told: offline, by jo@ops-1',
      'feed quote is on quotes, says jo@ops-1',
      '5 % of all users and 0 named ones take part in the grey release, says jo@ops-1',
      'nobody takes part in the grey release, says ma@ops-2',
    ],
  )
  append(encodeRemoval('word', 'gw-1'))
  await clock.settle()
  assert.equal(directory.nodes.get('gw-1')?.told, undefined)
  await directory.close()
})

test('the newest word of the catalogue counts', async () => {
  const { clock, directory, append } = await started()
  const feed = { feed: 'quote', current: { generation: 1, topic: 'quotes' }, next: null, retired: [], revision: 1 }
  append(encodeFeed(feed))
  append(encodeFeed({ ...feed, revision: 2 }))
  await clock.settle()
  assert.equal(directory.feeds.get('quote')?.revision, 2)
  append(encodeRemoval('feed', 'quote'))
  await clock.settle()
  assert.equal(directory.feeds.size, 0)
  await directory.close()
})

test('a grey release is stopped by the first who says so, for readers who come later too; an operator outranks it, whichever is first in the log', async () => {
  const { clock, directory, open, append, codes } = await started()
  append(encodeGrey({ percent: 100, users: [], atMs: 5 }))
  append(encodeGreyStop({ of: 4, by: 'lb-1', reason: 'of another one', atMs: 6 }))
  await clock.settle()
  assert.equal(directory.grey?.includes('jo'), true)
  append(encodeGreyStop({ of: 5, by: 'lb-1', reason: 'worse', atMs: 7 }))
  append(encodeGreyStop({ of: 5, by: 'lb-2', reason: 'worse too', atMs: 7 }))
  await clock.settle()
  assert.deepEqual([directory.grey?.includes('jo'), directory.grey?.stopped?.by], [false, 'lb-1'])
  assert.equal(codes().filter((code) => code === 'grey_stopped').length, 1)
  const later = open()
  await later.start()
  await later.readBack
  assert.equal(later.grey?.includes('jo'), false)
  append(encodeGrey({ percent: 100, users: [], atMs: 8 }))
  append(encodeGreyStop({ of: 5, by: 'lb-2', reason: 'late', atMs: 9 }))
  await clock.settle()
  assert.deepEqual([directory.grey?.includes('jo'), later.grey?.includes('jo')], [true, true], 'a late stop means the release before')
  append(encodeGreyOff(10))
  await clock.settle()
  assert.deepEqual([directory.grey, later.grey], [null, null])
  await Promise.all([directory.close(), later.close()])
})

test('that nobody takes part any more is heard by who was away while the topic was compacted', async () => {
  const { clock, log, directory, append, pass } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1, config: { 'cleanup.policy': 'compact' } })
  await directory.start()
  append(encodeGrey({ percent: 100, users: [], atMs: 1 }))
  await pass(1000, 'me')
  assert.equal(directory.grey?.includes('jo'), true)
  log.pauseDelivery(TOPIC, 0)
  append(encodeGreyOff(2))
  for (let n = 0; n < 3000; n++) append(encodeLease(testLease('gw-1', { beat: n })))
  log.resumeDelivery(TOPIC, 0)
  await pass(1000, 'me')
  await clock.settle()
  assert.deepEqual([directory.grey, directory.greySaidAtMs], [null, 2])
  await directory.close()
})

test('what it does not understand is counted, and said once of each key', async () => {
  const { clock, directory, append, logger } = await started()
  append(
    { key: 'plan/x', value: '{"v":1}' },
    { key: 'lease/gw-1', value: '{"v":9}' },
    { key: 'lease/gw-1', value: 'no JSON' },
    { key: null, value: 'x' },
  )
  await clock.settle()
  const { unknown_key, newer_version, malformed } = directory.ignored
  assert.deepEqual([unknown_key, newer_version, malformed], [2, 1, 1])
  const told = logger.lines.filter(({ code }) => code === 'control_record_ignored').map(({ fields }) => fields['key'])
  assert.deepEqual(told, ['plan/x', 'lease/gw-1', ''])
  await directory.close()
})

test('a lease that was dead for an hour is removed; a tombstone does not end one that lives', async () => {
  const { clock, log, directory, append, states, pass } = await started()
  await pass(3000, 'me', 'gw-1')
  await pass(3_600_000, 'me')
  assert.equal(states()['gw-1'], 'expired')
  await pass(120_000, 'me')
  assert.deepEqual(states(), { me: 'live' })
  append(encodeRemoval('lease', 'me'))
  await clock.settle()
  assert.deepEqual(states(), { me: 'live' })
  assert.equal(log.readerCount, 1)
  await directory.close()
  assert.equal(log.readerCount, 0)
})

test('the control topic is made when it is missing, compacted and with one partition', async () => {
  const made: unknown[] = []
  const { clock, directory, pass } = setUp({
    through: (log) => ({
      ...log,
      createTopic: async (topic, options) => {
        made.push([topic, options.partitions, options.config?.['cleanup.policy']])
        await log.createTopic(topic, options)
      },
    }),
  })
  await directory.start()
  await clock.settle()
  await pass(1000, 'me')
  assert.deepEqual([made, directory.view], [[[TOPIC, 1, 'compact']], 'current'])
  await directory.close()
})

test('a control topic that cannot be made, or has several partitions, is an error that says what to do; then it goes on by itself', async () => {
  let denied = true
  const world = setUp({
    through: (log) => ({
      ...log,
      createTopic: async (topic, options) => {
        if (denied) throw new LogError('log_denied', 'not authorized')
        await log.createTopic(topic, options)
      },
    }),
  })
  const { clock, directory, logger, pass } = world
  await directory.start()
  await clock.pass(5000)
  const line = logger.lines.find(({ level }) => level === 'error')
  assert.ok(
    line?.code === 'control_topic_missing' && /create it with 1 partition and cleanup.policy=compact/.test(line.message),
    line?.message ?? 'no error',
  )
  assert.equal(logger.lines.filter(({ level }) => level === 'error').length, 1)
  denied = false
  await clock.pass(1500)
  await pass(1000, 'me')
  assert.equal(directory.view, 'current')
  await directory.close()

  const wide = setUp()
  wide.log.createTopicNow(TOPIC, { partitions: 3 })
  await wide.directory.start()
  await wide.clock.settle()
  assert.ok(wide.logger.lines.some(({ code, message }) => code === 'control_topic_shape' && /directory.topic/.test(message)))
  await wide.directory.close()
})

test('a control topic that was deleted is made again; meanwhile nobody is judged', async () => {
  const { log, directory, states, pass, codes } = await started()
  await pass(3000, 'me', 'gw-1')
  log.deleteTopicNow(TOPIC)
  log.createTopicNow(TOPIC, { partitions: 1 })
  await pass(4000, 'me', 'gw-1')
  assert.ok(codes().includes('control_topic_recreated'))
  await pass(4000, 'me', 'gw-1')
  assert.deepEqual([directory.view, states()], ['current', { me: 'live', 'gw-1': 'live' }])
  await directory.close()
})

test('listeners hear of every change in the turn in which it is made', async () => {
  const { clock, directory, beat, states } = await started()
  const heard: unknown[] = []
  const stop = directory.onChange(() => heard.push(states()))
  beat('gw-1')
  await clock.settle()
  assert.deepEqual(heard, [{ 'gw-1': 'live' }])
  stop()
  beat('gw-1')
  await clock.settle()
  assert.equal(heard.length, 1)
  await directory.close()
})

type World = ReturnType<typeof setUp>

test('the log is named by the id of the control topic: known from the start on, and another one once the topic is made anew', async () => {
  const { clock, log, directory, pass } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  const told: (string | null)[] = []
  directory.onChange(() => told.push(directory.logId))
  assert.equal(directory.logId, null)
  await directory.start()
  await clock.settle()
  const first = log.describeNow(TOPIC).topicId
  assert.deepEqual([directory.logId, told], [first, [first]])
  await pass(2000, 'me')
  log.deleteTopicNow(TOPIC)
  log.createTopicNow(TOPIC, { partitions: 1 })
  await pass(3000, 'me')
  assert.notEqual(log.describeNow(TOPIC).topicId, first)
  assert.deepEqual([directory.logId, told.at(-1)], [log.describeNow(TOPIC).topicId, log.describeNow(TOPIC).topicId])
  await directory.close()
})

test('of catalogues the newer one counts, whichever of two topics it is read in; of two that were written at the same time the first', async () => {
  const { clock, log, directory, append, pass } = await started()
  const feed = (revision: number, generation: number) =>
    encodeFeed({ feed: 'quote', current: { generation, topic: `quotes-${generation}` }, next: null, retired: [], revision })
  append(feed(firstRevision(clock.nowMs() - 3_600_000) + 5, 3))
  await pass(1000, 'me')
  log.deleteTopicNow(TOPIC)
  log.createTopicNow(TOPIC, { partitions: 1 })
  // Where nobody knew of the one before, somebody has begun another.
  append(feed(firstRevision(clock.nowMs()), 4))
  await pass(10_000, 'me')
  assert.equal(directory.feeds.get('quote')?.current.generation, 4)
  append(feed(firstRevision(clock.nowMs()), 9), feed(5, 3))
  await clock.settle()
  assert.equal(directory.feeds.get('quote')?.current.generation, 4)
  await directory.close()
})

test('the topic of another zone is neither made nor tidied up from here, and its silence is told by its name', async () => {
  const { clock, log, open, states, pass, logger } = setUp()
  const other = open({ otherZone: 'b' })
  await other.start()
  await clock.pass(5000)
  assert.throws(() => log.describeNow(TOPIC), { code: 'log_topic_missing' })
  log.createTopicNow(TOPIC, { partitions: 1 })
  await pass(3000, 'gw-b')
  assert.deepEqual([other.view, other.otherZone, states(other)], ['current', 'b', { 'gw-b': 'live' }])
  await clock.pass(3_700_000)
  assert.deepEqual([other.view, states(other)], ['degraded', { 'gw-b': 'kept' }])
  assert.match(logger.lines.find(({ code }) => code === 'view_degraded')!.message, /control of zone b/)
  await pass(12_000, 'gw-c')
  await clock.pass(1)
  assert.equal(states(other)['gw-b'], 'expired')
  for (let hour = 0; hour < 2; hour++) await pass(3_600_000, 'gw-c')
  assert.equal(states(other)['gw-b'], 'expired', 'a lease that is long dead is removed by those whose it is')
  await other.close()
})

test('of another zone whose topic was made anew, words and catalogue are forgotten, and its nodes go on living by their beats', async () => {
  const { clock, log, open, append, states, pass } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  append(encodeWord('gw-b', { word: 'offline', atMs: 1 }))
  append(encodeFeed({ feed: 'quote', current: { generation: 3, topic: 'quotes-3' }, next: null, retired: [], revision: 5 }))
  const other = open({ otherZone: 'b' })
  await other.start()
  await pass(4000, 'gw-b', 'gw-c')
  assert.deepEqual([other.nodes.get('gw-b')?.word, other.feeds.get('quote')?.current.generation], ['offline', 3])
  log.deleteTopicNow(TOPIC)
  log.createTopicNow(TOPIC, { partitions: 1 })
  await pass(3000, 'gw-b', 'gw-c')
  assert.deepEqual([other.nodes.get('gw-b')?.word, other.feeds.size, states(other)], ['online', 0, { 'gw-b': 'live', 'gw-c': 'live' }])
  await clock.settle()
  await other.close()
})
