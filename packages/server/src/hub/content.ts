import { type FieldValue, sameValue } from '@pulsewire/protocol'

/** What a record makes of its symbol, its fields by their index in the feed. */
export interface Content {
  readonly deleted: boolean
  readonly raw: Uint8Array | null
  readonly values: readonly (FieldValue | undefined)[]
}

/** @param isPartial the record is the same where the image has what it names. */
export function isSameContent(record: Content, image: Content, isPartial = false): boolean {
  if (record.deleted || image.deleted) return record.deleted === image.deleted
  if (record.raw !== null || image.raw !== null)
    return record.raw !== null && image.raw !== null && Buffer.compare(record.raw, image.raw) === 0
  const length = Math.max(record.values.length, image.values.length)
  for (let index = 0; index < length; index++) {
    const value = record.values[index]
    if (value === undefined && isPartial) continue
    const held = image.values[index]
    if (value === undefined || held === undefined ? value !== held : !sameValue(value, held)) return false
  }
  return true
}
