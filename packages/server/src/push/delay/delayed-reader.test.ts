import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { encodePulse, isPulseKey } from '../../feeds/index.ts'
import { createEmbeddedLog, type LogRecord, type PartitionStart } from '../../log/index.ts'
import { seededRandom } from '../../market/random.ts'
import { DelayedLog } from './delayed-log.ts'
import { DelayedReader } from './delayed-reader.ts'
import { HeldPartition } from './held-partition.ts'

const DELAY_MS = 3000
const TOPIC = 'quotes'

function setUp(partitions = 1, bytesMax = 1024 * 1024) {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  log.createTopicNow(TOPIC, { partitions })
  let sequence = 0
  const pulse = (partition = 0, atMs = clock.nowMs()) =>
    log.appendNow(TOPIC, [encodePulse(partition, { writer: 'p', sequence: sequence++, generation: 1, atMs })])
  const append = (key: string, timestampMs = clock.nowMs(), partition = 0) =>
    log.appendNow(TOPIC, [{ partition, key, value: 'x'.repeat(20), timestampMs }])
  const came: { readonly partition: number; readonly offset: number; readonly key: string; readonly atMs: number }[] = []
  const read = (starts: readonly PartitionStart[]) => {
    const open = (moved: readonly PartitionStart[]) => log.read(TOPIC, moved)
    const reader = new DelayedReader(open, starts, { clock, delayMs: DELAY_MS, bytesMax })
    void (async () => {
      for await (const event of reader) {
        if (event.kind !== 'records') continue
        for (const { offset, key } of event.records) {
          const name = isPulseKey(key!) ? 'pulse' : new TextDecoder().decode(key!)
          came.push({ partition: event.partition, offset, key: name, atMs: clock.nowMs() })
        }
      }
    })()
    return reader
  }
  const keys = () => came.map(({ key }) => key)
  return { clock, log, pulse, append, came, keys, read }
}

test('a record goes when a pulse behind it is as old as the delay, and not before', async () => {
  const { clock, pulse, append, came, keys, read } = setUp()
  await using reader = read([{ partition: 0, start: { at: 'earliest' } }])
  append('A')
  await clock.pass(500)
  pulse()
  append('B')
  await clock.pass(DELAY_MS - 1)
  assert.deepEqual([keys(), reader.isWaiting], [[], true])
  await clock.pass(1)
  assert.deepEqual([keys(), reader.isWaiting], [['A', 'pulse'], false])
  assert.equal(came[0]!.atMs - (came[1]!.atMs - DELAY_MS), DELAY_MS)
  await clock.pass(10 * DELAY_MS)
  assert.equal(keys().length, 2, 'nothing behind the last pulse goes, however old it says it is')
  pulse()
  await clock.pass(DELAY_MS)
  assert.deepEqual(keys(), ['A', 'pulse', 'B', 'pulse'])
})

test('neither a producer with a slow clock nor a pulse that waited for its append makes anything go early', async () => {
  const { clock, pulse, append, keys, read } = setUp()
  await using _ = read([{ partition: 0, start: { at: 'earliest' } }])
  append('OLD', clock.nowMs() - 10 * DELAY_MS)
  await clock.pass(1000)
  append('NEW')
  // Written before the record, appended behind it.
  pulse(0, clock.nowMs() - 800)
  await clock.pass(DELAY_MS - 1)
  assert.deepEqual(keys(), [])
  await clock.pass(1)
  assert.deepEqual(keys(), ['OLD', 'NEW', 'pulse'])
})

test('a clock far ahead holds nothing up for longer than an append may take', async () => {
  const { clock, pulse, append, keys, read } = setUp()
  await using _ = read([{ partition: 0, start: { at: 'earliest' } }])
  append('A', clock.nowMs() + 86_400_000 * 365)
  pulse()
  pulse(0, clock.nowMs() + 86_400_000)
  await clock.pass(DELAY_MS)
  assert.deepEqual(keys(), ['A', 'pulse'])
  append('B', clock.nowMs() + 60_000)
  pulse()
  await clock.pass(DELAY_MS + 60_000)
  assert.deepEqual(keys(), ['A', 'pulse', 'pulse', 'B', 'pulse'])
})

test('what a log brings without pulses is not kept in memory, and read again once a pulse is old enough', async () => {
  const { clock, pulse, append, keys, read } = setUp(1, 2000)
  await using reader = read([{ partition: 0, start: { at: 'earliest' } }])
  const names = Array.from({ length: 500 }, (_, index) => `S${index}`)
  for (const name of names) {
    append(name)
    await clock.pass(10)
    assert.ok(reader.heldBytes <= 4000, `${reader.heldBytes} bytes are held`)
  }
  assert.deepEqual(keys(), [])
  pulse()
  await clock.pass(DELAY_MS)
  assert.deepEqual(keys(), [...names, 'pulse'])
  append('LAST')
  pulse()
  await clock.pass(DELAY_MS)
  assert.deepEqual(keys().slice(-2), ['LAST', 'pulse'])
})

test('a log that was set back gives nothing early at offsets that it had before', () => {
  const held = new HeldPartition({ delayMs: DELAY_MS, bytesMax: 1000 })
  const at = (offset: number, ms: number) => ({ offset, timestampMs: ms, key: new TextEncoder().encode('A'), value: null })
  const pulseAt = (offset: number, atMs: number) => {
    const { value } = encodePulse(0, { writer: 'p', sequence: offset, generation: 1, atMs })
    return { offset, timestampMs: atMs, key: new Uint8Array([0]), value: new TextEncoder().encode(value as string) }
  }
  const batch = (records: LogRecord[], from: number, next: number) =>
    ({ kind: 'records', partition: 0, records, span: { from, next, absent: [] }, highWatermark: next }) as const
  held.next = 0
  held.put(batch([at(0, 0), pulseAt(1, 0), at(2, 0), pulseAt(3, 0)], 0, 4), DELAY_MS)
  assert.equal(held.take(DELAY_MS)?.kind, 'records')
  held.jump({ kind: 'jumped', partition: 0, from: 4, offset: 2 })
  assert.equal(held.take(DELAY_MS)?.kind, 'jumped')
  held.put(batch([at(2, DELAY_MS), pulseAt(3, DELAY_MS)], 2, 4), DELAY_MS)
  assert.deepEqual([held.take(2 * DELAY_MS - 1), held.ripeAtMs], [null, 2 * DELAY_MS])
  assert.equal(held.take(2 * DELAY_MS)?.kind, 'records')
})

test('the log as it was: where partitions ended then', async () => {
  const { clock, log, pulse, append } = setUp(2)
  const then = new DelayedLog(log, DELAY_MS, clock)
  append('A')
  pulse()
  await clock.pass(1000)
  append('B')
  assert.deepEqual(
    (await then.describe(TOPIC)).partitions.map(({ latest }) => latest),
    [0, 0],
  )
  await clock.pass(DELAY_MS - 500)
  assert.deepEqual(
    (await then.describe(TOPIC)).partitions.map(({ latest }) => latest),
    [2, 0],
  )
  await clock.pass(DELAY_MS)
  assert.deepEqual(
    (await then.describe(TOPIC)).partitions.map(({ latest }) => latest),
    [3, 0],
  )
})

for (let seed = 1; seed <= 20; seed++) {
  test(`nothing is given before its time, everything is, and pulses not late (seed ${seed})`, async () => {
    const random = seededRandom(seed)
    const below = (limit: number) => Math.floor(random() * limit)
    const { clock, log, pulse, append, came, read } = setUp(3, 1000 + below(20_000))
    const appendedAtMs = new Map<string, number>()
    const claimedMs = new Map<string, number>()
    const note = (partition: number, claimed: number, [result]: ReturnType<typeof append>) => {
      appendedAtMs.set(`${partition}:${result!.offset}`, clock.nowMs())
      claimedMs.set(`${partition}:${result!.offset}`, claimed)
    }
    const act = () => {
      const partition = below(3)
      const nowMs = clock.nowMs()
      // Clocks of producers: right, behind by anything, a little ahead.
      const claimed = [nowMs, nowMs, nowMs - below(100_000), nowMs + below(2000), 0][below(5)]!
      if (below(3) > 0) return note(partition, claimed, append('A', claimed, partition))
      // A pulse waits for its append at times.
      const atMs = nowMs - (below(4) === 0 ? below(300) : 0)
      note(partition, atMs, pulse(partition, atMs))
    }
    for (let count = below(200); count > 0; count--) {
      act()
      await clock.pass(below(60))
    }
    await using reader = read([0, 1, 2].map((partition) => ({ partition, start: { at: 'earliest' } })))
    for (let count = 0; count < 400; count++) {
      act()
      await clock.pass(below(60))
      if (below(50) > 0) continue
      // Whoever reads gives a partition up, and takes it on where it was.
      const partition = below(3)
      reader.remove([partition])
      const next = came.reduce((most, each) => (each.partition === partition ? Math.max(most, each.offset + 1) : most), 0)
      reader.add([{ partition, start: { at: 'offset', offset: next } }])
    }
    for (const partition of [0, 1, 2]) note(partition, clock.nowMs(), pulse(partition))
    await clock.pass(DELAY_MS + 2000)
    for (const { partition, offset, atMs } of came) {
      const place = `${partition}:${offset}`
      assert.ok(atMs >= claimedMs.get(place)! + DELAY_MS, `${place} came before its own time and the delay`)
      // By its pulse alone, which is no older than 300 ms when it is appended.
      assert.ok(
        atMs >= appendedAtMs.get(place)! + DELAY_MS - 300,
        `${place} came ${atMs - appendedAtMs.get(place)!} ms after it was written`,
      )
    }
    for (const partition of [0, 1, 2]) {
      const offsets = came.filter((each) => each.partition === partition).map(({ offset }) => offset)
      const latest = log.describeNow(TOPIC).partitions[partition]!.latest
      assert.deepEqual(
        offsets,
        Array.from({ length: latest }, (_, offset) => offset),
      )
    }
  })
}
