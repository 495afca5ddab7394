import assert from 'node:assert/strict'
import {
  bytesToBase64,
  ByteWriter,
  createDecoder,
  ENCODINGS,
  KIND,
  ProtocolError,
  scaleFor,
  writeDictionary,
  writePulse,
  writeUpdate,
  type Encoding,
  type FieldValue,
  type PulseFrame,
} from '@pulsewire/protocol'
import { recordSessions } from '../../../packages/protocol/vectors/sessions.ts'
import { Recorder, type SeenUpdate } from '../../../packages/protocol/src/test-support/recorder.ts'
import { FEEDS, WELCOME } from '../../../packages/protocol/src/test-support/session.ts'
import { bytesOf, type Input } from '../engine/input.ts'
import { assertSame } from '../engine/same.ts'
import type { Target } from '../engine/target.ts'
import { messageOf } from './from-receivers.ts'

/** Whole sessions as a receiver decodes them, the SDK and a gateway's link alike, in each encoding. */
export const fromSenders: readonly Target[] = ENCODINGS.map((encoding) => ({
  name: `frames of senders, ${encoding}`,
  weight: 12,
  seeds: sendersMessages(encoding),
  run: (input) => check(encoding, input),
}))

/** The sender's half of each recorded session. */
export function sendersMessages(encoding: Encoding): Input[] {
  return recordSessions().map(({ messages }) =>
    messages
      .filter(({ from }) => from === 'sender')
      .map(({ bin, json }) => bytesOf(encoding === 'pulsewire.bin.v1' ? Buffer.from(bin, 'hex') : json)),
  )
}

function check(encoding: Encoding, input: Input): void {
  const receiver = new Recorder(encoding, (id) => (id < FEEDS.length ? id : 0))
  for (const message of input) {
    const before = receiver.controls.length
    try {
      receiver.receive(messageOf(encoding, message))
    } catch (error) {
      // Nobody decodes on after that: the session is over.
      if (error instanceof ProtocolError) return
      throw error
    }
    for (const control of receiver.controls.slice(before)) assertSame(again(control), control)
    for (const update of receiver.updates.splice(0)) checkUpdate(update)
    for (const pulse of receiver.pulses.splice(0)) checkPulse(pulse)
  }
  assert.equal(({} as Record<string, unknown>)['t'], undefined, 'nothing was put into Object.prototype')
}

/** A control frame by way of bin.v1. */
function again(frame: object): unknown {
  if ((frame as { t: string }).t === 'welcome' || (frame as { t: string }).t === 'mark') return frame
  const writer = new ByteWriter()
  writer.u8(KIND.json)
  writer.text(JSON.stringify(frame))
  const receiver = new Recorder('pulsewire.bin.v1')
  receiver.receive(writer.take())
  return receiver.controls[0]
}

/** What was decoded is written anew as a gateway would for the next hop, and read back. */
function checkUpdate(update: SeenUpdate): void {
  for (const number of [update.generation, update.partition, update.offset, update.n])
    assert.ok(Number.isSafeInteger(number) && number >= 0)
  assert.ok(Number.isFinite(update.ts))
  const names = [...update.values.keys()]
  const values = [...update.values.values()]
  const fields = names.map((name, index) => ({ name, scale: scaleOf(values[index]!) }))
  const writer = new ByteWriter()
  if (fields.length > 0) writeDictionary(writer, 0, 0, fields)
  const ts = Math.abs(update.ts) < 2 ** 51 ? Math.round(update.ts) : 0
  const header = { ...update, snapshot: !update.deleted, place: true, ts, prev: -1, last: null }
  const body = new ByteWriter()
  writeUpdate(body, header, 0, fields, [...fields.keys()], values, null)
  const bytes = body.take()
  writer.u8(bytes[0]!)
  writer.varint(update.ref)
  writer.raw(bytes.subarray(1))
  const decoder = createDecoder('pulsewire.bin.v1')
  decoder.open(update.ref, 0)
  decoder.decode(writer.take(), { onUpdate() {}, onPulse() {}, onControl() {} })
  const image = decoder.image(update.ref)!
  assertSame([image.generation, image.partition, image.offset, image.ts], [update.generation, update.partition, update.offset, ts])
  if (update.deleted) return
  if (update.raw !== null) assert.equal(bytesToBase64(image.raw!), bytesToBase64(update.raw))
  else assertSame(image.values, values)
}

/** A pulse has an age for each node of the path that it names, which the writer demands, and is read as it was written. */
function checkPulse(pulse: PulseFrame): void {
  const times = [pulse.at, ...(pulse.partitions ?? []).flatMap(([, , , ageMs, arrivedAgesMs]) => [ageMs, ...arrivedAgesMs])]
  // json.v1 takes any number for a time; bin.v1 carries whole ones.
  if (!times.every((ms) => Number.isInteger(ms) && Math.abs(ms) < 2 ** 51)) return
  // Nor does UTF-8 have lone surrogates.
  if (!(pulse.paths ?? []).flat().every((node) => node.isWellFormed())) return
  const writer = new ByteWriter()
  writer.u8(KIND.json)
  writer.text(JSON.stringify({ ...WELCOME, epoch: 0, feeds: [{ ...FEEDS[0], feed: pulse.feed ?? '' }] }))
  writePulse(writer, pulse, pulse.feed === undefined ? -1 : 0, 0)
  const receiver = new Recorder('pulsewire.bin.v1')
  receiver.receive(writer.take())
  const { t, at, feed, generation = 0, paths = [], partitions = [] } = pulse
  const rows = partitions.map((row) => row.slice(0, 5))
  const bare = { t, pulse: pulse.pulse, at }
  assertSame(receiver.pulses, [feed === undefined ? bare : { ...bare, feed, generation, paths, partitions: rows }])
}

function scaleOf(value: FieldValue): number {
  return typeof value === 'number' ? Math.max(0, scaleFor(value, 0)) : 0
}
