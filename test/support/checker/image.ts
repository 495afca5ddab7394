import { isDeepStrictEqual } from 'node:util'
import type { FieldValue } from '@pulsewire/protocol'
import type { ModelRecord, ModelSymbol } from './log-model.ts'

/** What a receiver holds of a symbol, however it got it. */
export interface HeldImage {
  readonly deleted: boolean
  readonly values: ReadonlyMap<string, FieldValue>
  readonly raw: Uint8Array | null
}

/** Whether a held image is the state after this record, seen through a choice of fields. */
export function matches(held: HeldImage, record: ModelRecord, fields: ReadonlySet<string> | null): boolean {
  if (held.deleted || record.deleted) return held.deleted === record.deleted
  if (record.raw !== null) return held.raw !== null && Buffer.compare(held.raw, record.raw) === 0
  let count = 0
  for (const [name, value] of record.values!) {
    if (fields !== null && !fields.has(name)) continue
    count++
    if (!sameValue(held.values.get(name), value)) return false
  }
  return count === held.values.size
}

/**
 * Whether a held image shows the state after this record, or after a newer one: where the chosen fields did not change,
 * nothing is sent.
 */
export function showsSame(held: HeldImage, symbol: ModelSymbol, index: number, fields: ReadonlySet<string> | null): boolean {
  const last = fields === null ? index + 1 : symbol.records.length
  for (let i = index; i < last; i++) if (matches(held, symbol.records[i]!, fields)) return true
  return false
}

function sameValue(a: FieldValue | undefined, b: FieldValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  return isDeepStrictEqual(a, b)
}

export function describeImage(image: HeldImage): string {
  if (image.deleted) return 'deleted'
  return image.raw === null ? JSON.stringify(Object.fromEntries(image.values)) : `raw ${Buffer.from(image.raw).toString('utf8')}`
}

export function describeRecord(record: ModelRecord | undefined): string {
  if (record === undefined) return 'nothing'
  const what = record.deleted
    ? 'deleted'
    : record.raw === null
      ? JSON.stringify(Object.fromEntries(record.values!))
      : `raw ${Buffer.from(record.raw).toString('utf8')}`
  return `offset ${record.offset}: ${what}`
}
