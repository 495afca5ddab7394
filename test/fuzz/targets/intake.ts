import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENCODINGS } from '@pulsewire/protocol'
import { PULSE_KEY } from '../../../packages/server/src/feeds/pulse-record.ts'
import type { LogRecord } from '../../../packages/server/src/log/index.ts'
import { Intake } from '../../../packages/server/src/push/intake.ts'
import { loadConfig, type FeedConfig } from '../../../packages/server/src/runtime/config/index.ts'
import { silentLogger } from '../../../packages/server/src/runtime/logger.ts'
import { Sender } from '../../support/sender.ts'
import { bytesOf, type Input } from '../engine/input.ts'
import { assertSame } from '../engine/same.ts'
import type { Target } from '../engine/target.ts'

const SCHEMA = `syntax = "proto3"; message Quote { string name = 1; double last = 2; int64 volume = 3; repeated Level book = 4;
  bytes blob = 5; Side side = 6; map<string, float> more = 7; oneof either { bool halted = 8; sint32 tick = 9; } }
  message Level { double price = 1; fixed64 size = 2; Level next = 3; } enum Side { NONE = 0; BUY = 1; }`
const PROTOBUF = [
  '0a044150504c11cdcccccccc6c674018e80722120900000000000059401164000000000000002a03010203300140013a080a016115000080404804',
  '',
  '22142a12220a09000000000000f03f2200',
]

/** Records of the quotes' topic, as producers write them: key and value are a message each. Good records go on around them. */
export const intake: readonly Target[] = [target('json', {}), target('protobuf', { protobuf: protobufOf() }), target('raw', {})]

function target(codec: 'json' | 'protobuf' | 'raw', more: Partial<FeedConfig>): Target {
  const env = { PULSEWIRE_FEEDS: '[{"name":"quote","topic":"quotes"}]', PULSEWIRE_LOG_BROKERS: 'kafka:9092' }
  const config: FeedConfig = { ...loadConfig('push', { env }).feeds[0]!, ...more, codec }
  return { name: `intake, ${codec}`, weight: 0.5, seeds: seedsOf(codec), run: (input) => check(config, input) }
}

function protobufOf(): NonNullable<FeedConfig['protobuf']> {
  const folder = mkdtempSync(join(tmpdir(), 'pulsewire-fuzz-'))
  const schemaFile = join(folder, 'quote.proto')
  writeFileSync(schemaFile, SCHEMA)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return { schemaFile, message: 'Quote' }
}

function seedsOf(codec: string): Input[] {
  const pulse = bytesOf('{"writer":"pulse-1","sequence":1,"generation":1,"atMs":1764000000000}')
  const values =
    codec === 'protobuf'
      ? PROTOBUF.map((hex) => bytesOf(Buffer.from(hex, 'hex')))
      : ['{"last":187.23,"name":"苹果","book":[{"p":1.5,"q":[1,2]}],"halted":false,"note":null}', '{"last":-0.1e-7,"__proto__":1}'].map(
          bytesOf,
        )
  return [...values.map((value) => [bytesOf('AAPL.US'), value]), [bytesOf(PULSE_KEY), pulse, bytesOf('腾讯.HK'), values[0]!]]
}

function check(config: FeedConfig, input: Input): void {
  const node = new Sender({ feeds: [{ codec: config.codec }] })
  const feed = node.feed()
  const intake = new Intake(node.hub, feed, config, silentLogger)
  const receivers = ENCODINGS.map((encoding) => node.connect({ encoding }))
  for (const receiver of receivers) receiver.subscribe([], { patterns: ['*'] })
  node.clock.turn()
  let offset = 0
  const take = (key: Uint8Array, value: Uint8Array | null) => {
    const record: LogRecord = { offset: offset++, timestampMs: node.clock.nowMs(), key, value }
    intake.take({ kind: 'records', partition: 0, records: [record], highWatermark: offset })
  }
  for (let at = 0; at + 1 < input.length; at += 2) take(input[at]!, input[at + 1]!.length === 0 ? null : input[at + 1]!)
  // Whatever came: the next record is taken, and reaches who subscribes, in either encoding the same.
  take(bytesOf('GOOD'), config.codec === 'protobuf' ? bytesOf(Buffer.from('0a0178', 'hex')) : bytesOf('{"name":"x"}'))
  node.clock.advance(20)
  const [bin, json] = receivers.map((receiver) => {
    assert.equal(receiver.closed.code, 0, receiver.closed.reason)
    return receiver.peek().flatMap((frame) => (frame.t === 'update' ? [[frame.symbol, frame.values, frame.raw, frame.deleted]] : []))
  })
  assert.ok(bin!.some(([symbol]) => symbol === 'GOOD'))
  assertSame(json, bin)
  for (const [, values] of bin!) for (const value of Object.values(values!)) assert.ok(typeof value !== 'number' || Number.isFinite(value))
}
