import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Clock, createEmbeddedLog } from '@pulsewire/server'
import { Pacer } from './pacer.ts'
import { produce } from './produce.ts'
import type { Source } from './source.ts'

/** Time that goes on only when somebody waits. */
class SteppedClock implements Clock {
  #nowMs = 1_000
  nowMs(): number {
    return this.#nowMs
  }
  pass(ms: number): void {
    this.#nowMs += ms
  }
  after(delayMs: number, callback: () => void) {
    this.#nowMs += delayMs
    queueMicrotask(callback)
    return { cancel() {} }
  }
  soon(callback: () => void): void {
    queueMicrotask(callback)
  }
  every() {
    return { cancel() {} }
  }
}

function source(count: number): Source {
  return {
    badLines: 2,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < count; i++) yield { symbol: `S${i % 3}`, values: { last: i } }
    },
  }
}

const never = new AbortController().signal

describe('Pacer', () => {
  it('gives out exactly the rate over any span', () => {
    const clock = new SteppedClock()
    const pacer = new Pacer(2_000, clock)
    let sent = 0
    for (let i = 0; i < 300; i++) {
      clock.pass(i % 2 === 0 ? 7.3 : 0.2)
      const due = pacer.due()
      pacer.sent(due)
      sent += due
    }
    assert.equal(sent, Math.floor(((clock.nowMs() - 1_000) * 2_000) / 1_000) + 1)
  })

  it('does not follow a pause with a burst', () => {
    const clock = new SteppedClock()
    const pacer = new Pacer(100, clock)
    clock.pass(10_000)
    assert.equal(pacer.due(), 100)
    assert.equal(pacer.skipped, 901)
  })

  it('keeps rates far below one per second', async () => {
    const clock = new SteppedClock()
    const pacer = new Pacer(0.1, clock)
    assert.equal(pacer.due(), 1)
    pacer.sent(1)
    await pacer.wait(never)
    assert.equal(clock.nowMs(), 11_000)
    assert.equal(pacer.due(), 1)
  })
})

describe('produce', () => {
  it('appends the whole source in order, keyed by symbol', async () => {
    const log = createEmbeddedLog()
    log.createTopicNow('quotes', { partitions: 1 })
    const totals = await produce({
      log,
      topic: 'quotes',
      source: source(1_000),
      rate: 500,
      signal: never,
      onProgress() {},
      clock: new SteppedClock(),
    })
    assert.match(totals, /^quotes: 1,000 records, .*2 bad lines$/)
    assert.equal(log.describeNow('quotes').partitions[0]?.latest, 1_000)
    await using reader = log.read('quotes', [{ partition: 0, start: { at: 'earliest' } }])
    for await (const event of reader) {
      if (event.kind !== 'records') continue
      assert.deepEqual(
        event.records.slice(0, 2).map(({ key, value }) => `${key}=${value}`),
        ['S0={"last":0}', 'S1={"last":1}'],
      )
      break
    }
  })

  it('stops at the count', async () => {
    const log = createEmbeddedLog()
    log.createTopicNow('quotes', { partitions: 1 })
    await produce({
      log,
      topic: 'quotes',
      source: source(1_000),
      rate: 500,
      countMax: 77,
      signal: never,
      onProgress() {},
      clock: new SteppedClock(),
    })
    assert.equal(log.describeNow('quotes').partitions[0]?.latest, 77)
  })

  it('fails where the topic is missing', async () => {
    const options = { log: createEmbeddedLog(), topic: 'none', source: source(1), rate: 1, signal: never, onProgress() {} }
    await assert.rejects(produce(options), { code: 'log_topic_missing' })
  })
})
