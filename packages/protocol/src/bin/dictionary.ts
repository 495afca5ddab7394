import { ProtocolError } from '../decoder.ts'
import type { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { KIND, SCALE_MAX } from './kinds.ts'

/** What a receiver knows of a feed's fields. */
export interface ReceivedDictionary {
  readonly names: string[]
  readonly scales: number[]
}

const payload = /* @__PURE__ */ new ByteWriter(256)

/** Writes a dictionary frame that (re)defines `fields` from index `first`. */
export function writeDictionary(
  writer: ByteWriter,
  feedIndex: number,
  first: number,
  fields: readonly { readonly name: string; readonly scale: number }[],
): void {
  payload.length = 0
  payload.varint(feedIndex)
  payload.varint(first)
  payload.varint(fields.length)
  for (const field of fields) {
    payload.text(field.name)
    payload.varint(field.scale)
  }
  writer.framed(KIND.dictionary, payload.bytes.subarray(0, payload.length))
}

export function readDictionary(reader: ByteReader, dictionaryOf: (feedIndex: number) => ReceivedDictionary): void {
  const dictionary = dictionaryOf(reader.varint())
  const first = reader.varint()
  const count = reader.varint()
  if (first > dictionary.names.length) throw new ProtocolError('a dictionary leaves indexes out')
  for (let i = first; i < first + count; i++) {
    const name = reader.text()
    const scale = reader.varint()
    if (scale > SCALE_MAX) throw new ProtocolError(`scale ${scale} is above ${SCALE_MAX}`)
    dictionary.names[i] = name
    dictionary.scales[i] = scale
  }
}
