import type { FieldValue } from '../frames.ts'

/** Whether two field values are the same; nested JSON compares by its text. */
export function sameValue(a: FieldValue | undefined, b: FieldValue | undefined): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  return JSON.stringify(a) === JSON.stringify(b)
}
