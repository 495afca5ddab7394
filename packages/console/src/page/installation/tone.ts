import type { NodeAnswer } from './answers.ts'

export type Tone = 'fresh' | 'aging' | 'stale' | 'none'

/** A pulse every half second and a beat every second: what is younger than this is as young as it can be known to be. */
const FRESH_MS_MAX = 1600
const AGING_MS_MAX = 2500

/** How a hop is coloured by the age of its newest pulse. */
export function toneOf(ageMs: number | null): Tone {
  if (ageMs === null) return 'none'
  return ageMs <= FRESH_MS_MAX ? 'fresh' : ageMs <= AGING_MS_MAX ? 'aging' : 'stale'
}

/** `null`: there is none, or one of them has none. */
export function oldest(ages: readonly (number | null)[]): number | null {
  return ages.length === 0 || ages.includes(null) ? null : Math.max(...ages.map(Number))
}

export function isThere({ lease }: NodeAnswer): boolean {
  return lease.state === 'live' || lease.state === 'kept'
}

/** What a node is to others, in a word or two. */
export function standing(node: NodeAnswer): { readonly text: string; readonly tone: Tone } {
  const { lease, word, handedOut, degraded, fault } = node
  if (lease.state === 'expired') return { text: 'silent', tone: 'stale' }
  if (lease.state === 'left') return { text: 'left', tone: 'none' }
  if (word !== 'online') return { text: word, tone: 'aging' }
  if (fault !== null) return { text: 'stuck', tone: 'stale' }
  if (!handedOut) return { text: 'not used', tone: 'stale' }
  if (degraded) return { text: 'unproven', tone: 'aging' }
  return lease.draining ? { text: 'draining', tone: 'aging' } : { text: 'in use', tone: 'fresh' }
}
