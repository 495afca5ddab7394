/** Leaders that move: a cluster of two brokers, one of which is lost and comes back. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Log, openKafkaLog } from '../../packages/server/src/log/index.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { from, makeTopic, Tap } from './log-tap.ts'

const PARTITIONS = [0, 1, 2, 3]
/** Node 1 is the controller and stays: it makes itself leader of what node 2 led. */
const LOST_NODE = 2

describe('the Kafka log on two brokers', { timeout: 120_000 }, () => {
  let kafka: KafkaForTests
  let log: Log
  before(async () => {
    kafka = await startKafka({ own: true, nodes: 2 })
    log = openKafkaLog({ brokers: kafka.brokers, requestTimeoutMs: 1000, connectTimeoutMs: 1000 })
  })
  after(async () => {
    await log?.close()
    await kafka?.stop()
  })

  const faults = {
    killed: { begin: () => kafka.kill(LOST_NODE), end: () => kafka.restart(LOST_NODE) },
    frozen: { begin: async () => kafka.freeze(LOST_NODE), end: async () => kafka.thaw(LOST_NODE) },
  }
  for (const [fault, { begin, end }] of Object.entries(faults)) {
    test(`follows its leaders when one of two brokers is ${fault} and returns`, async () => {
      const topic = await makeTopic(log, PARTITIONS.length)
      const written: string[] = []
      const append = async (name: string): Promise<void> => {
        written.push(name)
        await appended(log, topic, name)
      }
      await using tap = new Tap(log.read(topic, from({ at: 'earliest' }, ...PARTITIONS)))
      const untilRead = (): Promise<void> =>
        tap.until(() => PARTITIONS.every((partition) => tap.values(partition).includes(written.at(-1)!)))
      await append('before')
      await untilRead()
      await begin()
      await append('without')
      await untilRead()
      await end()
      await append('after')
      await untilRead()
      for (const partition of PARTITIONS) assert.deepEqual(unique(tap.values(partition)), written)
      for (const partition of PARTITIONS) {
        const offsets = tap.records(partition).map((record) => record.offset)
        assert.deepEqual(
          offsets,
          offsets.map((_, i) => i),
          'each offset once, in order',
        )
      }
      assert.equal(tap.count('jumped'), 0)
      assert.equal(tap.count('unreachable'), tap.count('reachable'), 'what was an outage is over')
    })
  }
})

/** One record in each partition, tried until every partition has it: an append that is not answered may be there or not. */
async function appended(log: Log, topic: string, value: string): Promise<void> {
  for (const partition of PARTITIONS) {
    for (;;) {
      try {
        await log.append(topic, [{ partition, key: null, value }])
        break
      } catch (error) {
        assert.equal((error as { retryable?: boolean }).retryable, true, String(error))
      }
    }
  }
}

/** Repeated appends may have written twice. */
function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}
