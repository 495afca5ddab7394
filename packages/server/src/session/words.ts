import type { SubscribeFrame } from '@pulsewire/protocol'

const NAMED_MAX = 3

/** `AAPL.US, MSFT.US, 0700.HK and 12 more`: what a subscribe asks for, for people. */
export function nameSome({ symbols = [], patterns = [], groups = [] }: SubscribeFrame): string {
  const all = symbols.length + patterns.length + groups.length
  const named = [...symbols.slice(0, NAMED_MAX), ...patterns.slice(0, NAMED_MAX), ...groups.slice(0, NAMED_MAX)].slice(0, NAMED_MAX)
  return `${named.join(', ')}${all > named.length ? ` and ${all - named.length} more` : ''}`
}
