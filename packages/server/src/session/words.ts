import type { SubscribeFrame } from '@pulsewire/protocol'
import type { FlowAccount } from './flow.ts'

const NAMED_MAX = 3

/** `AAPL.US, MSFT.US, 0700.HK and 12 more`: what a subscribe asks for, for people. */
export function nameSome({ symbols = [], patterns = [], groups = [] }: SubscribeFrame): string {
  const all = symbols.length + patterns.length + groups.length
  const named = [...symbols.slice(0, NAMED_MAX), ...patterns.slice(0, NAMED_MAX), ...groups.slice(0, NAMED_MAX)].slice(0, NAMED_MAX)
  return `${named.join(', ')}${all > named.length ? ` and ${all - named.length} more` : ''}`
}

/** Why a session ended, and what its receiver had last acknowledged. */
export function describeEnd(why: string, { acknowledgedPulse, acknowledgedAgoMs }: FlowAccount): string {
  const last =
    acknowledgedAgoMs === null ? 'no pulse was acknowledged' : `pulse ${acknowledgedPulse} was acknowledged ${acknowledgedAgoMs} ms before`
  return `${why}; ${last}`
}
