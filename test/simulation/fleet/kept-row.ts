import { ByteWriter, KIND, type ControlFrame, type Encoding, type UpstreamFrame } from '@pulsewire/protocol'
import type { HopMonitor } from '../../support/checker/hop-monitor.ts'
import type { Data } from '../world/pipe.ts'

/** What confirms the one frame of a message, where that ends rows that all were answered; else `undefined`. */
export function confirmationOf(frames: readonly UpstreamFrame[], { rows }: HopMonitor): ControlFrame | undefined {
  const [frame] = frames
  if (frames.length !== 1 || frame?.t !== 'unsubscribe' || frame.symbols === undefined || frame.patterns !== undefined) return undefined
  const { id, symbols } = frame
  const held = new Set([...rows.values()].filter((row) => row.id === id).map(({ name }) => name))
  if (!symbols.every((name) => held.has(name))) return undefined
  return { t: 'unsubscribed', id, ok: symbols, unknown: [], closed: false }
}

/** The message with a frame before all others. */
export function withFirst(frame: ControlFrame, message: Data, encoding: Encoding): Data {
  const text = JSON.stringify(frame)
  if (typeof message === 'string') return message === '[]' ? `[${text}]` : `[${text},${message.slice(1)}`
  if (encoding !== 'pulsewire.bin.v1') throw new Error(`a binary message of ${encoding}`)
  const writer = new ByteWriter(message.length + text.length + 8)
  writer.u8(KIND.json)
  writer.text(text)
  writer.raw(message)
  return writer.take()
}
