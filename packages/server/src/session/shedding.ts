/** What a session costs its node, as far as that differs from session to session. */
export interface Costly {
  /** What waits for its receiver. */
  readonly backlogBytes: number
  readonly symbols: number
}

export interface Shedding<T> {
  /** Those to be cut, at least one where there is anybody. */
  readonly cut: readonly T[]
  /** Sessions for which anything waits; 0: nobody is slow, and those with the most symbols are cut. */
  readonly slow: number
}

/**
 * Whom to cut for want of memory: those for which the most waits, until `part` (0 to 1) of all that waits is theirs. By bytes
 * and not by heads: where memory is short everybody has a little waiting now and then, and they are not to go for the few who
 * take nothing.
 */
export function shedding<T extends Costly>(sessions: readonly T[], part: number): Shedding<T> {
  const slow = sessions.filter(({ backlogBytes }) => backlogBytes > 0)
  const cut = slow.length > 0 ? most(slow, 'backlogBytes', part) : most(sessions, 'symbols', part)
  return { cut, slow: slow.length }
}

function most<T extends Costly>(sessions: readonly T[], cost: keyof Costly, part: number): T[] {
  const sorted = [...sessions].sort((a, b) => b[cost] - a[cost])
  const enough = sorted.reduce((sum, session) => sum + session[cost], 0) * part
  let sum = 0
  let count = 0
  while (count < sorted.length && (count === 0 || sum < enough)) sum += sorted[count++]![cost]
  return sorted.slice(0, count)
}
