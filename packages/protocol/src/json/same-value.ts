import type { FieldValue } from '../frames.ts'

/** Whether two field values are the same; nested JSON compares by its text. What is nested too deep to compare differs. */
export function sameValue(a: FieldValue | undefined, b: FieldValue | undefined): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  try {
    return JSON.stringify(a) === JSON.stringify(b)
  } catch {
    return false // the parser takes any depth, this does not
  }
}
