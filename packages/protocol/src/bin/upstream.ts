import { ProtocolError } from '../decoder.ts'
import type { UpstreamFrame } from '../frames.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { KIND } from './kinds.ts'

/** Kind, length, two varints and the digest. */
const ACK_BYTES_MAX = 32

/** Writes one frame of a receiver as one message. */
export function encodeUpstreamBin(frame: UpstreamFrame): Uint8Array {
  const writer = new ByteWriter(ACK_BYTES_MAX)
  if (frame.t !== 'ack') {
    writer.u8(KIND.json)
    writer.text(JSON.stringify(frame))
    return writer.take()
  }
  writer.u8('mark' in frame ? KIND.markAck : KIND.pulseAck)
  // The length is one byte: an acknowledgement is far below 128 long.
  const lengthAt = writer.length
  writer.u8(0)
  if ('mark' in frame) writer.varint(frame.mark)
  else {
    writer.varint(frame.pulse)
    writer.varint(frame.count)
    writer.u32(frame.digest)
  }
  writer.bytes[lengthAt] = writer.length - lengthAt - 1
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
    const payload = reader.part(reader.varint())
    if (kind === KIND.json) frames.push(parse(payload.textOf(payload.left)))
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
