/** What operators said outlasts the topic's records, and the topic: by real directories on the embedded log. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testLease } from '../../../../test/support/leases.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { createEmbeddedLog, type Log, type LogAppend } from '../log/index.ts'
import { seededRandom } from '../market/random.ts'
import { LogError } from '../runtime/errors.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { ControlDirectory } from './control-directory.ts'
import {
  CONTROL_FORMAT,
  encodeFeed,
  encodeGrey,
  encodeGreyOff,
  encodeGreyStop,
  encodeLease,
  encodeRevocation,
  encodeWord,
} from './control-record.ts'
import type { NodeWord } from './lease.ts'

const TOPIC = 'control'
const HOUR_MS = 3_600_000
/** A look, the time in which all begin to write, and some more. */
const MENDED_MS = 70_000

interface SetUpOptions {
  /** A settings answer; absent: this log has none. */
  readonly settings?: () => Promise<ReadonlyMap<string, string>>
  readonly delayMs?: number
  readonly config?: Readonly<Record<string, string>>
}

async function setUp({ settings, delayMs = 0, config = {} }: SetUpOptions = {}) {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  log.createTopicNow(TOPIC, { partitions: 1, config })
  const logger = createMemoryLogger()
  const random = seededRandom(7)
  const open = async (more: { readonly tidies?: boolean; readonly otherZone?: string } = {}) => {
    const connection = log.connect()
    const appended: LogAppend[] = []
    const through: Log = {
      describe: (topic) => connection.describe(topic),
      createTopic: (topic, options) => connection.createTopic(topic, options),
      deleteTopic: (topic) => connection.deleteTopic(topic),
      read: (topic, partitions) => connection.read(topic, partitions),
      close: () => connection.close(),
      [Symbol.asyncDispose]: () => connection.close(),
      append: async (topic, records) => {
        appended.push(...records)
        if (delayMs > 0) await new Promise<void>((resolve) => clock.after(delayMs, resolve))
        return connection.append(topic, records)
      },
      ...(settings === undefined ? {} : { settings }),
    }
    const directory = new ControlDirectory({ log: through, topic: TOPIC, lifeMs: 3000, logger, clock, random, ...more })
    await directory.start()
    await clock.settle()
    return { directory, connection, appended }
  }
  const append = (...records: LogAppend[]) => void log.appendNow(TOPIC, records)
  const anew = () => {
    log.deleteTopicNow(TOPIC)
    log.createTopicNow(TOPIC, { partitions: 1, config })
  }
  /** What retention takes: everything that there is. */
  const loseAll = () => log.deleteRecordsBefore(TOPIC, 0, log.describeNow(TOPIC).partitions[0]!.latest)
  let beat = 0
  const pass = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 1000) {
      append(encodeLease(testLease('me', { beat: ++beat })))
      await clock.pass(Math.min(1000, ms - passedMs))
    }
  }
  const lines = (code: string) => logger.lines.filter((line) => line.code === code)
  return { clock, log, logger, open, append, anew, loseAll, pass, lines }
}

const word = (node: string, said: NodeWord, atMs = 1) => encodeWord(node, { word: said, atMs })
const FEED = { feed: 'quote', current: { generation: 3, topic: 'quotes-3' }, next: null, retired: [], revision: 7 }

/** One of each kind that lasts. */
function everything(nowMs: number): LogAppend[] {
  return [
    word('gw-1', 'offline'),
    encodeFeed(FEED),
    encodeGrey({ percent: 100, users: [], atMs: 5 }),
    encodeGreyStop({ of: 5, by: 'lb-1', reason: 'worse', atMs: 6 }),
    encodeRevocation({ of: 'user', name: 'jo', atMs: 1, untilMs: nowMs + 1000 * HOUR_MS }),
  ]
}

function held({ feeds, grey, revocations }: ControlDirectory) {
  return { feed: feeds.get('quote')?.current.topic, stopped: grey?.stopped?.by, revoked: revocations.find('user', 'jo')?.atMs }
}

for (const [what, lose] of [
  ['is deleted and made anew', ({ anew }: World) => anew()],
  ['loses its records to retention, past which all have read', ({ loseAll }: World) => loseAll()],
] as const) {
  test(`a control topic that ${what}: whoever starts later still has all that was said`, async () => {
    const world = await setUp()
    const { clock, open, append, pass, lines } = world
    const nodes = [await open(), await open(), await open()]
    append(...everything(clock.nowMs()))
    await pass(5000)
    lose(world)
    await pass(MENDED_MS)
    const later = await open()
    await later.directory.readBack
    assert.equal(later.directory.wordOf('gw-1')?.word, 'offline')
    assert.deepEqual(held(later.directory), { feed: 'quotes-3', stopped: 'lb-1', revoked: 1 })
    const again = nodes.flatMap(({ appended }) => appended)
    assert.equal(again.length, 5, 'one of them wrote it, once')
    assert.ok(lines('control_records_again').length > 0)
    await pass(HOUR_MS)
    assert.equal(nodes.flatMap(({ appended }) => appended).length, 5, 'and no more')
    await Promise.all([...nodes, later].map(({ directory }) => directory.close()))
    assert.equal(clock.timers, 0)
  })
}

test('an onlooker, and a balancer of another zone, write nothing', async () => {
  const { open, append, anew, pass } = await setUp()
  const others = [await open({ tidies: false }), await open({ otherZone: 'b' })]
  append(word('gw-1', 'offline'))
  await pass(3000)
  anew()
  await pass(MENDED_MS)
  assert.deepEqual(
    others.flatMap(({ appended }) => appended),
    [],
  )
  await Promise.all(others.map(({ directory }) => directory.close()))
})

test('a word that was taken back meanwhile is not brought back by a node that was away', async () => {
  const { open, append, loseAll, pass } = await setUp()
  const here = await open()
  const away = await open()
  append(word('gw-1', 'offline', 1), encodeGrey({ percent: 100, users: [], atMs: 1 }), encodeFeed(FEED))
  await pass(3000)
  away.connection.setReachable(false)
  await pass(3000)
  append(word('gw-1', 'online', 2), encodeGreyOff(2), encodeFeed({ ...FEED, current: { generation: 4, topic: 'quotes-4' }, revision: 8 }))
  await pass(3000)
  loseAll()
  await pass(MENDED_MS)
  loseAll()
  // It is back before the others have written again what the topic lost.
  away.connection.setReachable(true)
  await pass(2 * MENDED_MS)
  const later = await open()
  await later.directory.readBack
  for (const { directory } of [here, away, later]) {
    assert.equal(directory.wordOf('gw-1')?.word, 'online')
    assert.equal(directory.grey, null)
    assert.equal(directory.feeds.get('quote')?.current.topic, 'quotes-4')
  }
  await Promise.all([here, away, later].map(({ directory }) => directory.close()))
})

test('where it writes an older word first, the newer one is written after it', async () => {
  const { open, append, anew, pass } = await setUp()
  const here = await open()
  const away = await open()
  append(word('gw-1', 'offline', 1))
  await pass(3000)
  away.connection.setReachable(false)
  append(word('gw-1', 'online', 2))
  await pass(3000)
  here.connection.setReachable(false)
  anew()
  await pass(1000)
  away.connection.setReachable(true)
  await pass(MENDED_MS)
  assert.equal(away.appended.length, 1)
  here.connection.setReachable(true)
  await pass(MENDED_MS)
  const later = await open()
  await later.directory.readBack
  for (const { directory } of [here, away, later]) assert.equal(directory.wordOf('gw-1')?.word, 'online')
  await Promise.all([here, away, later].map(({ directory }) => directory.close()))
})

test('an operator whose clock is behind is obeyed by saying it later than what was said before', async () => {
  const { open, append, pass, lines } = await setUp()
  const node = await open()
  append(word('gw-1', 'offline', 100))
  append(word('gw-1', 'online', 99))
  await pass(1000)
  assert.equal(node.directory.wordOf('gw-1')?.word, 'offline')
  assert.equal(lines('control_record_outdated').length, 1)
  append(word('gw-1', 'online', 101))
  await pass(1000)
  assert.equal(node.directory.wordOf('gw-1')?.word, 'online')
  await node.directory.close()
})

test('whoever overwrites it each time is answered ever more rarely', async () => {
  const { open, append, pass } = await setUp()
  const node = await open()
  append(word('gw-1', 'offline', 2))
  await pass(1000)
  for (let minute = 0; minute < 4 * 60; minute++) {
    append(word('gw-1', 'online', 1))
    await pass(60_000)
  }
  const again = node.appended.length
  assert.ok(again >= 7 && again <= 12, `written again ${again} times in four hours`)
  assert.equal(node.directory.wordOf('gw-1')?.word, 'offline')
  await node.directory.close()
})

test('what a later version wrote stays; garbage does not', async () => {
  const { open, append, pass } = await setUp()
  const node = await open()
  append(word('gw-1', 'offline', 2), word('gw-2', 'offline', 2))
  await pass(1000)
  append({ key: 'word/gw-1', value: JSON.stringify({ v: CONTROL_FORMAT + 1, word: 'asleep' }) }, { key: 'word/gw-2', value: 'garbage' })
  await pass(MENDED_MS)
  assert.deepEqual(
    node.appended.map(({ key }) => key),
    ['word/gw-2'],
  )
  await node.directory.close()
})

test('a member of a later version that this one does not know is written again with the rest', async () => {
  const { open, append, anew, pass } = await setUp()
  const node = await open()
  const value = JSON.stringify({ v: CONTROL_FORMAT, word: 'offline', atMs: 1, why: 'maintenance' })
  append({ key: 'word/gw-1', value })
  await pass(1000)
  anew()
  await pass(MENDED_MS)
  assert.deepEqual(node.appended, [{ key: 'word/gw-1', value }])
  await node.directory.close()
})

test('of many nodes few write, and many records go in bounded pieces', async () => {
  const { clock, open, append, anew, pass } = await setUp({ delayMs: 50 })
  const nodes = await Promise.all(Array.from({ length: 50 }, () => open()))
  const untilMs = clock.nowMs() + 1000 * HOUR_MS
  append(...Array.from({ length: 1200 }, (_, n) => encodeRevocation({ of: 'jti', name: `t-${n}`, atMs: 1, untilMs })))
  await pass(3000)
  anew()
  await pass(MENDED_MS)
  const again = nodes.flatMap(({ appended }) => appended)
  assert.equal(new Set(again.map(({ key }) => key)).size, 1200)
  assert.ok(again.length <= 1200 * 5, `${again.length} records for 1200`)
  await Promise.all(nodes.map(({ directory }) => directory.close()))
})

test('a revocation that means no valid token any more is not written again', async () => {
  const { clock, open, append, anew, pass } = await setUp()
  const node = await open()
  append(encodeRevocation({ of: 'user', name: 'jo', atMs: 1, untilMs: clock.nowMs() + 2000 }))
  await pass(4000)
  anew()
  await pass(MENDED_MS)
  assert.deepEqual(node.appended, [])
  await node.directory.close()
})

test('settings that let records go are told with the command that mends them, and that they were mended', async () => {
  let cleanup = 'compact,delete'
  const settings = async () =>
    new Map([
      ['cleanup.policy', cleanup],
      ['retention.ms', String(8 * HOUR_MS)],
    ])
  const { open, append, pass, lines } = await setUp({ settings })
  const node = await open()
  const [line] = lines('control_topic_policy')
  assert.equal(line?.level, 'error')
  assert.match(line!.message, /cleanup\.policy=compact,delete, expected compact: .* after 28800000 ms/)
  assert.match(
    line!.message,
    /kafka-configs\.sh --bootstrap-server BROKER:9092 --alter --entity-type topics --entity-name control --add-config cleanup\.policy=compact$/,
  )
  append(word('gw-1', 'offline'))
  await pass(HOUR_MS)
  assert.deepEqual([node.appended.length, lines('control_topic_policy').length], [0, 1])
  await pass(HOUR_MS + MENDED_MS)
  assert.equal(node.appended.length, 1, 'written again in a quarter of the time after which it would be gone')
  cleanup = 'compact'
  await pass(MENDED_MS)
  assert.deepEqual(
    lines('control_topic_policy').map(({ level }) => level),
    ['error', 'info'],
  )
  await node.directory.close()
})

for (const [what, settings] of [
  ['denied', async () => Promise.reject(new LogError('log_denied', 'not authorized'))],
  ['not there', async () => new Map<string, string>()],
  [
    'as they are to be',
    async () =>
      new Map([
        ['cleanup.policy', 'compact'],
        ['retention.ms', '1000'],
      ]),
  ],
] as const) {
  test(`settings that are ${what}: nothing is said of them`, async () => {
    const { open, append, pass, lines } = await setUp({ settings })
    const node = await open()
    append(word('gw-1', 'offline'))
    await pass(MENDED_MS)
    assert.deepEqual([lines('control_topic_policy'), node.appended], [[], []])
    await node.directory.close()
  })
}

type World = Awaited<ReturnType<typeof setUp>>
