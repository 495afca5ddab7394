import type { ClientState, SymbolState } from '@pulsewire/client'
import { longDuration } from './format.ts'

/** Why something is stale, as the rest of a sentence. The codes are those of docs/errors.md. */
const REASONS: Readonly<Record<string, (hop: string) => string>> = {
  log_unreachable: () => 'the log cannot be reached',
  reader_stalled: (hop) => `${hop} has stopped reading the log`,
  unproven: () => 'no pulse is written, so nothing is proven',
  no_pulse: (hop) => `no pulse from ${hop}`,
  lagging: (hop) => `pulses held up at ${hop}`,
  topic_missing: () => 'the topic is gone',
  topic_recreated: () => 'the topic was created anew',
  upstream_disconnected: (hop) => `${hop} has lost its push nodes`,
  disconnected: (hop) => `connection to ${hop} lost`,
  warming: (hop) => `${hop} is still reading in`,
  resyncing: () => 'being repaired',
}

/** `no pulse from gw-1`. */
export function reasonInWords({ reason = '', hop }: SymbolState): string {
  const who = hop === undefined || hop === '' ? 'the gateway' : hop === 'log' ? 'the log' : hop
  return REASONS[reason]?.(who) ?? (reason === '' ? `trouble at ${who}` : `${reason} at ${who}`)
}

/** `delayed 15 min`; nothing of a feed that is not. */
export function delayInWords(delayMs: number | undefined): string {
  return delayMs ? `delayed ${longDuration(delayMs)}` : ''
}

/** `live`, `live, delayed 15 min`, `pending`, `stale 4 s: no pulse from gw-1`, `ended: the feed was closed`. */
export function stateInWords(state: SymbolState, nowMs: number): string {
  switch (state.state) {
    case 'live':
      return ['live', delayInWords(state.delayMs)].filter(Boolean).join(', ')
    case 'pending':
      return 'pending'
    case 'ended':
      return `ended: ${state.message ?? state.reason ?? 'by the server'}`
    case 'stale':
      return `stale ${longDuration(nowMs - (state.sinceMs ?? nowMs))}: ${reasonInWords(state)}`
  }
}

export function connectionInWords(state: ClientState, node: string | undefined): string {
  switch (state) {
    case 'open':
      return `connected to ${node ?? 'a gateway'}`
    case 'connecting':
      return 'connecting'
    case 'waiting':
      return 'waiting to reconnect'
    case 'failed':
      return 'refused'
    case 'closed':
      return 'closed'
  }
}
