import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FlowWindow } from './flow.ts'

const MAX = 1024 * 1024
const START = 32 * 1024

/** A line in numbers: sends as much as the window lets it, for so long. @returns the window at the end. */
function run(flow: FlowWindow, line: { bytesPerSecond: number; latencyMs: number }, forMs: number, messageBytes = 500): number {
  const onTheWay: { mark: number; ackAtMs: number }[] = []
  let freeAtMs = 0
  for (let nowMs = 0; nowMs < forMs; nowMs++) {
    while (onTheWay.length > 0 && onTheWay[0]!.ackAtMs <= nowMs) flow.acked('mark', onTheWay.shift()!.mark, nowMs)
    while (flow.openBytes(nowMs) > 0 || !flow.awaitsAck) {
      const mark = flow.openBytes(nowMs) <= 0 || flow.wantsMark(messageBytes) ? flow.nextMark() : 0
      flow.sent(messageBytes, nowMs, 0, mark)
      freeAtMs = Math.max(freeAtMs, nowMs) + (messageBytes * 1000) / line.bytesPerSecond
      if (mark > 0) onTheWay.push({ mark, ackAtMs: freeAtMs + 2 * line.latencyMs })
    }
  }
  return flow.windowBytes
}

test('the window opens by what is acknowledged', () => {
  const flow = new FlowWindow(0, MAX)
  assert.deepEqual([flow.openBytes(0), flow.awaitsAck], [START, false])
  flow.sent(10_000, 0, 7, 0)
  assert.deepEqual([flow.openBytes(0), flow.awaitsAck], [START - 10_000, true])
  flow.acked('mark', 7, 5)
  flow.acked('pulse', 6, 5)
  assert.equal(flow.inFlightBytes, 10_000, 'only what was sent can be acknowledged')
  flow.acked('pulse', 7, 500)
  assert.deepEqual([flow.inFlightBytes, flow.awaitsAck], [0, false])
})

test('one acknowledgement covers all before it', () => {
  const flow = new FlowWindow(0, MAX)
  flow.sent(1000, 0, 1, 0)
  flow.sent(1000, 0, 0, flow.nextMark())
  flow.sent(1000, 0, 2, 0)
  flow.sent(1000, 0, 0, 0)
  flow.acked('pulse', 2, 1)
  assert.deepEqual([flow.inFlightBytes, flow.awaitsAck], [1000, false])
  flow.acked('mark', 1, 2)
  assert.equal(flow.inFlightBytes, 1000)
})

test('a mark is wanted when a quarter of the window was sent since the last tag', () => {
  const flow = new FlowWindow(0, MAX)
  assert.equal(flow.wantsMark(START / 4 - 1), false)
  assert.equal(flow.wantsMark(START / 4), true)
  flow.sent(START / 8, 0, 0, 0)
  assert.equal(flow.wantsMark(START / 8), true)
  flow.sent(100, 0, 1, 0)
  assert.equal(flow.wantsMark(START / 8), false)
})

test('a fast line gets the largest window', () => {
  assert.equal(run(new FlowWindow(0, MAX), { bytesPerSecond: 1e9, latencyMs: 5 }, 1000), MAX)
})

test('a thin line gets about what it carries in a second', () => {
  for (const bytesPerSecond of [4_000, 20_000, 100_000]) {
    const window = run(new FlowWindow(0, MAX), { bytesPerSecond, latencyMs: 20 }, 60_000)
    assert.ok(window >= bytesPerSecond / 4 && window <= bytesPerSecond * 3, `${window} for ${bytesPerSecond} bytes per second`)
  }
})

test('a line that is wide but long is not taken for a thin one', () => {
  const window = run(new FlowWindow(0, MAX), { bytesPerSecond: 10_000_000, latencyMs: 300 }, 60_000)
  assert.ok(window > 100_000, `${window}`)
})

test('the window never closes for good, however thin the line', () => {
  const flow = new FlowWindow(0, MAX)
  assert.equal(run(flow, { bytesPerSecond: 100, latencyMs: 100 }, 300_000), 2048)
})

test('a line that turns thin gets no more than the smallest window once an acknowledgement is overdue, and goes on when it is there', () => {
  const flow = new FlowWindow(0, MAX)
  flow.sent(1000, 0, 1, 0)
  flow.acked('pulse', 1, 100)
  flow.sent(1000, 1000, 2, 0)
  flow.sent(500, 1500, 0, flow.nextMark())
  assert.ok(flow.openBytes(1600) > 2048)
  assert.equal(flow.openBytes(1601), 548, 'half a second more than the line takes by itself: pulses and answers still fit')
  flow.sent(1000, 1602, 0, 0)
  assert.ok(flow.openBytes(1602) <= 0)
  assert.equal(flow.isBehind(1602), false, 'it may be this process that stood still')
  assert.equal(flow.isBehind(3101), true)
  flow.acked('pulse', 2, 1700)
  assert.ok(flow.openBytes(1700) > 0)
})

test('of a line that is thin from one moment to the next, what arrives is never much older than what was sent meanwhile', () => {
  // 20 KB come each second, the line takes 1 KB: sent is what comes until the first acknowledgement is overdue.
  const flow = new FlowWindow(0, MAX)
  flow.sent(100, 0, 1, 0)
  flow.acked('pulse', 1, 10)
  for (let nowMs = 0; nowMs < 5000; nowMs += 25) {
    if (flow.openBytes(nowMs) <= 0) continue
    flow.sent(500, nowMs, 0, flow.wantsMark(500) ? flow.nextMark() : 0)
  }
  assert.ok(flow.inFlightBytes <= 20_000, `${flow.inFlightBytes} bytes`)
})

test('silence counts from when something to acknowledge was sent, and not while nothing is', () => {
  const flow = new FlowWindow(0, MAX)
  flow.sent(500, 1000, 0, 0)
  assert.equal(flow.silentMs(100_000, 0), 0, 'a message without a tag is acknowledged by nothing')
  flow.sent(500, 100_000, 1, 0)
  assert.equal(flow.silentMs(105_000, 0), 5000)
  flow.sent(500, 106_000, 2, 0)
  assert.equal(flow.silentMs(110_000, 0), 10_000)
  flow.acked('pulse', 1, 110_500)
  assert.equal(flow.silentMs(111_000, 0), 500)
  flow.acked('pulse', 2, 112_000)
  assert.equal(flow.silentMs(200_000, 0), 0)
})

test('a socket that takes something is no silence; one that is stuck is, tagged or not', () => {
  const flow = new FlowWindow(0, MAX)
  assert.equal(flow.silentMs(50_000, 0), 0)
  assert.equal(flow.silentMs(50_500, 8000), 0, 'it began to fill just now')
  assert.equal(flow.silentMs(55_500, 8000), 5000)
  assert.equal(flow.silentMs(56_000, 7000), 0)
  assert.equal(flow.silentMs(58_000, 9000), 2000)
})
