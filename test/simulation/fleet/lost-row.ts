import { ByteWriter, KIND, type ControlFrame } from '@pulsewire/protocol'
import { ByteReader } from '../../../packages/protocol/src/bin/byte-reader.ts'
import type { Data } from '../world/pipe.ts'

/** The message without the first row that nobody waits for: one of a pattern, told later. `undefined` when it has none. */
export function withoutRow(message: Data): Data | undefined {
  return typeof message === 'string' ? withoutRowJson(message) : withoutRowBin(message)
}

function withoutRowJson(message: string): string | undefined {
  const frames = JSON.parse(message) as ControlFrame[]
  const index = frames.findIndex(isUnasked)
  if (index < 0) return undefined
  const left = withoutFirst(frames[index]!)
  return JSON.stringify(frames.toSpliced(index, 1, left))
}

/** Control frames come first in a message, and only they can be passed over without a decoder. */
function withoutRowBin(message: Uint8Array): Uint8Array | undefined {
  const reader = new ByteReader(message)
  while (!reader.done && message[reader.at] === KIND.json) {
    const start = reader.at
    reader.u8()
    const frame = JSON.parse(reader.text()) as ControlFrame
    if (!isUnasked(frame)) continue
    const writer = new ByteWriter(message.length)
    writer.raw(message.subarray(0, start))
    writer.u8(KIND.json)
    writer.text(JSON.stringify(withoutFirst(frame)))
    writer.raw(message.subarray(reader.at))
    return writer.take()
  }
  return undefined
}

function isUnasked(frame: ControlFrame): boolean {
  return frame.t === 'subscribed' && frame.done !== true && (frame.ok?.length ?? 0) > 0
}

function withoutFirst(frame: ControlFrame): ControlFrame {
  return frame.t === 'subscribed' ? { ...frame, ok: frame.ok!.slice(1) } : frame
}
