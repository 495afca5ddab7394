import type { LeasedLink } from '../directory/index.ts'
import type { Link } from './link.ts'

/** Links as the gateway's lease tells them. */
export function linksForLease(links: readonly Link[], nowMs: number): LeasedLink[] {
  return links.flatMap(({ node, line, state, pulses }) =>
    state === 'closed' ? [] : [{ node, line, state, pulseAgeMs: pulses.ageMs(nowMs) }],
  )
}
