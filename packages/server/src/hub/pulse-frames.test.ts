import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter, createDecoder, KIND, type PulseFrame, type WelcomeFrame } from '@pulsewire/protocol'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { feedOptions } from '../../../../test/support/sender.ts'
import { Feed } from './feed.ts'
import { PulseFrames, type EncodedPulse } from './pulse-frames.ts'

const BIN = 'pulsewire.bin.v1'
const JSON_V1 = 'pulsewire.json.v1'

function setUp() {
  const clock = new ManualClock()
  const feed = new Feed(0, feedOptions)
  const epoch = clock.nowMs()
  const frames = new PulseFrames(epoch, () => clock.nowMs())
  const accept = (partition: number, offset: number, writtenAgoMs: number, path: string[], arrivedAgoMs: number[], generation = 1) => {
    const nowMs = clock.nowMs()
    const arrivedAtMs = arrivedAgoMs.map((agoMs) => nowMs - agoMs)
    feed.freshness.accept({ generation, partition, offset, writtenAtMs: nowMs - writtenAgoMs, path, arrivedAtMs })
  }
  return { clock, feed, frames, accept, epoch }
}

function welcome(epoch: number): WelcomeFrame {
  const feeds = [{ feed: 'quote', mode: 'latest', codec: 'json', generation: 1, partitions: 1 }] as const
  const limits = { messageBytesMax: 16_384, subscriptionsMax: 1 }
  return {
    t: 'welcome',
    session: '',
    node: '',
    role: '',
    version: '',
    at: epoch,
    epoch,
    pulseIntervalMs: 1000,
    staleAfterMs: 2500,
    feeds,
    limits,
  }
}

function decoded(frame: EncodedPulse, epoch: number): PulseFrame {
  const writer = new ByteWriter()
  writer.u8(KIND.json)
  writer.text(JSON.stringify(welcome(epoch)))
  writer.raw(frame.bytes)
  let pulse: PulseFrame | undefined
  createDecoder(BIN).decode(writer.take(), { onUpdate() {}, onControl() {}, onPulse: (seen) => void (pulse = seen) })
  return pulse!
}

test('while no partition has had a pulse there is no frame', () => {
  const { feed, frames } = setUp()
  feed.freshness.expect(0, 0)
  assert.equal(frames.of(feed, BIN), undefined)
})

test('a frame holds per partition its pulse, the path it came and the ages at each node', () => {
  const { clock, feed, frames, accept, epoch } = setUp()
  accept(0, 10, 20, ['push-a1', 'gw-1'], [15, 5])
  accept(1, 11, 30, ['push-b1', 'gw-1'], [25, 6])
  accept(2, 12, 40, ['push-a1', 'gw-1'], [35, 7])
  const expected = {
    t: 'pulse',
    at: clock.nowMs(),
    feed: 'quote',
    generation: 1,
    paths: [
      ['push-a1', 'gw-1'],
      ['push-b1', 'gw-1'],
    ],
    partitions: [
      [0, 10, 0, 20, [15, 5]],
      [1, 11, 1, 30, [25, 6]],
      [2, 12, 0, 40, [35, 7]],
    ],
  }
  assert.deepEqual(JSON.parse(frames.of(feed, JSON_V1)!.text), { ...expected, pulse: 1 })
  assert.deepEqual(decoded(frames.of(feed, BIN)!, epoch), { ...expected, pulse: 2 })
})

test('the same frame goes to everybody until the next pulse; its ages fit its own `at`', () => {
  const { clock, feed, frames, accept } = setUp()
  accept(0, 10, 20, ['push-a1'], [15])
  const first = frames.of(feed, JSON_V1)!
  clock.advance(700)
  assert.equal(frames.of(feed, JSON_V1), first)
  accept(0, 11, 3, ['push-a1'], [2])
  const second = frames.of(feed, JSON_V1)!
  assert.ok(second.pulse > first.pulse)
  const frame = JSON.parse(second.text) as PulseFrame
  assert.deepEqual([frame.at, frame.partitions], [clock.nowMs(), [[0, 11, 0, 3, [2]]]])
})

test('pulses of another generation than the feed has now are left out', () => {
  const { feed, frames, accept } = setUp()
  accept(0, 10, 0, ['push-a1'], [0], 1)
  accept(1, 11, 0, ['push-a1'], [0], 2)
  feed.generation = 2
  const frame = JSON.parse(frames.of(feed, JSON_V1)!.text) as PulseFrame
  assert.deepEqual([frame.generation, frame.partitions?.map(([partition]) => partition)], [2, [1]])
})

test('a heartbeat has a number and a time, and nothing else', () => {
  const { clock, frames, epoch } = setUp()
  assert.deepEqual(JSON.parse(frames.heartbeat(JSON_V1).text), { t: 'pulse', pulse: 1, at: clock.nowMs() })
  assert.deepEqual(decoded(frames.heartbeat(BIN), epoch), { t: 'pulse', pulse: 2, at: clock.nowMs() })
})
