import type { SubscribeFrame, UnsubscribeFrame } from '@pulsewire/protocol'

export type Kind = 'symbols' | 'patterns' | 'groups'

export type Name = readonly [name: string, kind: Kind]

/** One name to subscribe to. */
export interface Item {
  readonly kind: Kind
  readonly name: string
  /** Last position held, to resume. */
  readonly from?: string
}

const encoder = new TextEncoder()

/** Room for the brackets and keys of the lists, and for bin.v1's frame header. */
const OVERHEAD_BYTES = 96

/**
 * Spreads names over as many subscribe frames as it takes to keep each message within the sender's limit. An item that
 * is too large for any frame gets one for itself, and the sender's answer.
 * @param base id, feed and options, which stand in each frame.
 */
export function splitSubscribe(
  base: Pick<SubscribeFrame, 'id' | 'feed'> & Partial<SubscribeFrame>,
  items: Iterable<Item>,
  messageBytesMax: number,
): { frame: SubscribeFrame; items: Item[] }[] {
  const baseBytes = utf8Bytes(JSON.stringify(base)) + OVERHEAD_BYTES
  const frames: { frame: SubscribeFrame; items: Item[] }[] = []
  for (const chunk of chunks(items, messageBytesMax - baseBytes)) {
    const frame: SubscribeFrame = { ...base, t: 'subscribe' }
    for (const kind of ['symbols', 'patterns', 'groups'] as const) {
      const names = chunk.filter((item) => item.kind === kind).map((item) => item.name)
      if (names.length > 0) frame[kind] = names
    }
    const from = chunk.filter((item) => item.from !== undefined).map((item) => [item.name, item.from!] as const)
    if (from.length > 0) frame.from = Object.fromEntries(from)
    frames.push({ frame, items: chunk })
  }
  return frames
}

/** The same for unsubscribing symbols. */
export function splitUnsubscribe(id: number, symbols: Iterable<string>, messageBytesMax: number): UnsubscribeFrame[] {
  const items = Array.from(symbols, (name): Item => ({ kind: 'symbols', name }))
  return chunks(items, messageBytesMax - OVERHEAD_BYTES).map((chunk) => {
    return { t: 'unsubscribe', id, symbols: chunk.map((item) => item.name) }
  })
}

function chunks(items: Iterable<Item>, bytesMax: number): Item[][] {
  const all: Item[][] = []
  let chunk: Item[] = []
  let bytes = 0
  for (const item of items) {
    const size = itemBytes(item)
    if (chunk.length > 0 && bytes + size > bytesMax) {
      all.push(chunk)
      chunk = []
      bytes = 0
    }
    chunk.push(item)
    bytes += size
  }
  if (chunk.length > 0) all.push(chunk)
  return all
}

function itemBytes(item: Item): number {
  const nameBytes = utf8Bytes(JSON.stringify(item.name)) + 1
  return item.from === undefined ? nameBytes : 2 * nameBytes + item.from.length + 4
}

/** Bytes of a text in UTF-8. */
function utf8Bytes(text: string): number {
  return encoder.encode(text).length
}
