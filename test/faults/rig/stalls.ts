import type { NodeLine } from '../../support/node-process.ts'

/** A node says of a receiver that it takes nothing: that it has stalled, or that it was cut for it. */
export function noticesStall({ code, reason }: NodeLine & { readonly reason?: unknown }): boolean {
  return code === 'session_stalled' || (code === 'session_closed' && reason === 'slow_consumer')
}
