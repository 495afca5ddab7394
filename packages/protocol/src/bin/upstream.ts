import { ProtocolError } from '../decoder.ts'
import type { UpstreamFrame } from '../frames.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { KIND } from './kinds.ts'

/** Writes one frame of a receiver as one message. */
export function encodeUpstreamBin(frame: UpstreamFrame): Uint8Array {
  const writer = new ByteWriter(64)
  if (frame.t !== 'ack') {
    writer.u8(KIND.json)
    writer.text(JSON.stringify(frame))
    return writer.take()
  }
  const payload = new ByteWriter(24)
  if ('mark' in frame) payload.varint(frame.mark)
  else {
    payload.varint(frame.pulse)
    payload.varint(frame.count)
    payload.u32(frame.digest)
  }
  writer.framed('mark' in frame ? KIND.markAck : KIND.pulseAck, payload.bytes.subarray(0, payload.length))
  return writer.take()
}

/**
 * Reads a message of a receiver into frames whose shape is not checked yet.
 * @throws ProtocolError when the message cannot be split into frames.
 */
export function decodeUpstreamBin(message: Uint8Array): unknown[] {
  const reader = new ByteReader(message)
  const frames: unknown[] = []
  while (!reader.done) {
    const kind = reader.u8()
    if (kind >= KIND.update) throw new ProtocolError('a receiver sends no updates')
    const payload = new ByteReader(reader.raw(reader.varint()))
    if (kind === KIND.json) frames.push(parse(payload.textOf(payload.bytes.length)))
    else if (kind === KIND.pulseAck) {
      frames.push({ t: 'ack', pulse: payload.varint(), count: payload.varint(), digest: payload.u32() })
    } else if (kind === KIND.markAck) frames.push({ t: 'ack', mark: payload.varint() })
    else frames.push({ t: `0x${kind.toString(16).padStart(2, '0')}` })
  }
  return frames
}

/** The same for json.v1. */
export function decodeUpstreamJson(message: string): unknown[] {
  const parsed = parse(message)
  return Array.isArray(parsed) ? parsed : [parsed]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ProtocolError('not JSON')
  }
}
