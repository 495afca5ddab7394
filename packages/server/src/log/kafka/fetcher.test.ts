import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import type { Cluster } from './cluster.ts'
import { LeaderFetcher, type Cursor, type FetchHost } from './fetcher.ts'
import { resolveOptions } from './options.ts'

const INTERVAL_MS = 10

/** A broker that answers each fetch at once with so many bytes, and when it was asked. */
function setUp(bytes: number, stretch: number) {
  const clock = new ManualClock()
  const startMs = clock.nowMs()
  const askedAtMs: number[] = []
  const settings = resolveOptions({ brokers: ['127.0.0.1:9092'], clock, fetchIntervalMinMs: INTERVAL_MS })
  const connection = {
    async request() {
      askedAtMs.push(clock.nowMs() - startMs)
      // Of a partition that is given up meanwhile, so that what is in the answer goes no further.
      return { errorCode: 0, throttleTimeMs: 0, partitions: [{ partition: 0, errorCode: 0, bytes: { length: bytes } }] }
    },
    destroy() {},
  }
  const cursor: Cursor = { partition: 0, next: 0, isLost: false, leader: 1, failures: 0 }
  const host: FetchHost = {
    cluster: { settings, dedicatedConnectionTo: () => connection } as unknown as Cluster,
    topicId: 'topic',
    stretch: () => stretch,
    cursorsOf: () => [cursor],
    isCurrent: () => false,
    fetched() {},
    partitionFailed() {},
    succeeded() {},
    ended() {},
  }
  return { clock, askedAtMs, fetcher: new LeaderFetcher(host, 1) }
}

/** Lets everything run that waits for no time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

async function fetchTimes(bytes: number, stretch: number): Promise<number[]> {
  const { clock, askedAtMs, fetcher } = setUp(bytes, stretch)
  const ended = fetcher.run()
  for (let ms = 0; ms < 60; ms++) {
    await settle()
    clock.advance(1)
  }
  fetcher.stop()
  await ended
  return askedAtMs
}

test('while there is little to fetch, fetches stand an interval apart', async () => {
  assert.deepEqual(await fetchTimes(100, 1), [0, 10, 20, 30, 40, 50])
})

test('and farther apart where what is read is collected for longer anyway', async () => {
  // A little more than 25 ms.
  assert.deepEqual(await fetchTimes(100, 2.5), [0, 27, 54])
})

test('what is little grows with the time in which it came', async () => {
  assert.deepEqual(await fetchTimes(100 * 1024, 2), [0, 21, 42])
})

test('who is behind is not held up', async () => {
  const { askedAtMs, fetcher } = setUp(100 * 1024, 1)
  const ended = fetcher.run()
  await settle()
  fetcher.stop()
  await ended
  assert.ok(askedAtMs.length > 2, `${askedAtMs.length} fetches in no time`)
})
