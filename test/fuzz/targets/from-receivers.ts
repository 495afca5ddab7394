import assert from 'node:assert/strict'
import { encodeUpstreamFor, ENCODINGS, ProtocolError, type Encoding, type UpstreamFrame } from '@pulsewire/protocol'
import { recordedUpstream } from '../../../packages/protocol/src/test-support/recorded-session.ts'
import { readInbound, type BadFrame } from '../../../packages/server/src/session/inbound.ts'
import { bytesOf, textOf, type Input } from '../engine/input.ts'
import { assertSame } from '../engine/same.ts'
import type { Target } from '../engine/target.ts'

/** What an answer to a broken frame may be long: it names what the peer sent. */
const MESSAGE_CHARS_MAX = 400

/** What a gateway makes of one message of a client, in each encoding: frames that it may rely on, or what is wrong with them. */
export const fromReceivers: readonly Target[] = ENCODINGS.map((encoding) => ({
  name: `frames of receivers, ${encoding}`,
  weight: 12,
  seeds: recordedUpstream().map((frame): Input => [bytesOf(encodeUpstreamFor(encoding)(frame))]),
  run: (input) => {
    for (const message of input) check(encoding, message)
  },
}))

function check(encoding: Encoding, message: Uint8Array): void {
  let frames: (UpstreamFrame | BadFrame)[]
  try {
    frames = readInbound(encoding, messageOf(encoding, message))
  } catch (error) {
    if (error instanceof ProtocolError) return
    throw error
  }
  assert.ok(frames.length <= message.length + 1, 'a frame takes a byte at least')
  for (const frame of frames) {
    if (frame.t === 'bad') {
      assert.match(frame.code, /^(bad|unknown)_frame$/)
      assert.ok(frame.message.length <= MESSAGE_CHARS_MAX, `${frame.message.length} characters`)
    } else assertSame(readInbound(encoding, encodeUpstreamFor(encoding)(frame)), [frame])
  }
}

export function messageOf(encoding: Encoding, message: Uint8Array): Uint8Array | string {
  return encoding === 'pulsewire.bin.v1' ? message : textOf(message)
}
