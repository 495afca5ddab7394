import type { LinkAccount } from '../session/index.ts'
import type { Link } from './link.ts'

export function linkAccounts(links: readonly Link[], nowMs: number): LinkAccount[] {
  return links.map(({ node, address, line, state, why, lastHeardMs }) => ({
    node,
    address,
    line,
    state,
    why: state === 'open' ? '' : why,
    silentMs: Math.round(nowMs - lastHeardMs),
  }))
}
