/** How a sender writes updates. The bytes depend on what the receiver holds, never on who it is, so they can be shared. */
import type { FieldValue } from '../frames.ts'
import type { ByteWriter } from './byte-writer.ts'
import { FLAG, KIND } from './kinds.ts'
import { writeValue } from './value.ts'

/** One field of a sender's dictionary. */
export interface DictionaryField {
  readonly name: string
  readonly scale: number
}

export interface UpdateHeader {
  readonly snapshot: boolean
  /** Whether generation and partition have to be named. */
  readonly place: boolean
  readonly deleted: boolean
  readonly generation: number
  readonly partition: number
  readonly offset: number
  /** Record time in ms since the Unix epoch. */
  readonly ts: number
  readonly n: number
  /** Offset of the previous record, or −1. */
  readonly prev: number
  /** The last update of this ref, where it is known here: where that is possible, this one is told in steps from it. */
  readonly last: LastUpdate | null
  readonly raw: Uint8Array | null
}

export interface LastUpdate {
  readonly offset: number
  /** Record time in ms since the Unix epoch. */
  readonly ts: number
}

/**
 * Writes an update without its ref: first the flags byte, then everything that follows the ref. A session writes
 * byte 0, its ref, then the rest.
 * @returns false when a number was not whole at its field's scale in the dictionary, and went as a double.
 */
export function writeUpdate(
  writer: ByteWriter,
  header: UpdateHeader,
  epoch: number,
  fields: readonly DictionaryField[],
  indexes: readonly number[],
  values: readonly (FieldValue | undefined)[],
  before: readonly (FieldValue | undefined)[] | null,
): boolean {
  const last = stepsFrom(header)
  writer.u8(KIND.update | flagsOf(header, last !== null))
  if (header.place) {
    writer.varint(header.generation)
    writer.varint(header.partition)
  }
  writer.varint(header.offset - (last?.offset ?? 0))
  writer.zigzag(Math.round(header.ts - epoch) - (last === null ? 0 : Math.round(last.ts - epoch)))
  if (header.n !== 1) writer.varint(header.n)
  if (header.prev >= 0 && last === null) writer.varint(header.offset - header.prev)
  if (header.deleted) return true
  if (header.raw !== null) {
    writer.varint(header.raw.length)
    writer.raw(header.raw)
    return true
  }
  writeBitmap(writer, indexes)
  let exact = true
  for (const index of indexes) {
    const old = before === null ? undefined : before[index]
    if (!writeValue(writer, values[index], old, fields[index]!.scale)) exact = false
  }
  return exact
}

/** From where the update is told in steps: from the last one, if it lies in the same place, not behind this one, and is the previous record where that is known. */
function stepsFrom({ place, offset, prev, last }: UpdateHeader): LastUpdate | null {
  if (last === null || place || offset < last.offset) return null
  return prev < 0 || prev === last.offset ? last : null
}

function flagsOf(header: UpdateHeader, inSteps: boolean): number {
  return (
    (header.snapshot ? FLAG.snapshot : 0) |
    (header.n !== 1 ? FLAG.count : 0) |
    (header.place ? FLAG.place : 0) |
    (inSteps ? FLAG.steps : 0) |
    (header.prev >= 0 ? FLAG.prev : 0) |
    (header.raw !== null && !header.deleted ? FLAG.raw : 0) |
    (header.deleted ? FLAG.deleted : 0)
  )
}

/** @param indexes in ascending order. */
function writeBitmap(writer: ByteWriter, indexes: readonly number[]): void {
  let bits = 0
  let base = 0
  for (const index of indexes) {
    while (index >= base + 7) {
      writer.u8(bits | 128)
      bits = 0
      base += 7
    }
    bits |= 1 << (index - base)
  }
  writer.u8(bits)
}
