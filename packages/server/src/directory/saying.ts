/** Who said something in the control topic, and when. */
export interface Saying {
  /** User and host, or whatever they called themselves; absent: it was written by a version that did not say. */
  readonly by?: string
  /** Unix time of whoever said it, ms. */
  readonly atMs: number
}

/** Of a name. */
export const BY_CHARS_MAX = 128

/** Farther from 1970 no date is. */
const DATE_MS_MAX = 8.64e15

/** To begin a sentence with. */
export function whoSaid(saying: Saying | undefined): string {
  return saying?.by ?? 'an operator'
}

/** To end one with: ` at 2026-11-30T07:12:01.000Z`; nothing where it is not known. */
export function whenSaid(saying: Saying | undefined): string {
  if (saying === undefined || !(Math.abs(saying.atMs) <= DATE_MS_MAX)) return ''
  return ` at ${new Date(saying.atMs).toISOString()}`
}
