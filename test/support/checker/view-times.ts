/** How long clients took to notice, and to be live again: the figures that a fault row is measured by. */
import type { SymbolState } from '@pulsewire/client'
import type { ClientRecording, ViewEvent } from './client-recorder.ts'
import type { Span } from './spans.ts'

/** A stretch in which a symbol that had been live was not. */
export interface NotLive extends Span {
  /** What the client was told, in order, such as `stale: disconnected at gw-1 → pending`. */
  readonly said: string
  readonly states: readonly SymbolState[]
}

/** Before a symbol was live for the first time, nothing is promised of it. */
export function notLiveSpans(events: readonly ViewEvent[], endMs: number): NotLive[] {
  const spans: NotLive[] = []
  let wasLive = false
  let open: { fromMs: number; states: SymbolState[] } | null = null
  const close = (untilMs: number) => {
    if (open !== null) spans.push({ fromMs: open.fromMs, untilMs, states: open.states, said: open.states.map(describeState).join(' → ') })
    open = null
  }
  for (const event of events) {
    if (event.kind !== 'state') continue
    if (event.state.state === 'live') {
      wasLive = true
      close(event.atMs)
    } else if (wasLive) {
      open ??= { fromMs: event.atMs, states: [] }
      open.states.push(event.state)
    }
  }
  close(endMs)
  return spans
}

export function describeState({ state, reason, hop }: SymbolState): string {
  return reason === undefined ? state : `${state}: ${reason} at ${hop}`
}

/** All stretches of a client in which one of its symbols was not live. */
export function notLiveOf(client: ClientRecording, endMs: number): NotLive[] {
  return client.views.flatMap(({ events }) => {
    const bySymbol = Map.groupBy(events, ({ symbol }) => symbol)
    return [...bySymbol.values()].flatMap((seen) => notLiveSpans(seen, endMs))
  })
}

/**
 * The longest time from a fault until a client showed that it knew: not live any more, or served by another node.
 * `undefined` when none did.
 */
export function noticedWithinMs(clients: readonly ClientRecording[], faultAtMs: number, endMs: number): number | undefined {
  const times = clients.flatMap((client) => {
    const told = notLiveOf(client, endMs).map(({ fromMs }) => fromMs)
    const moved = client.sessions.map(({ atMs }) => atMs)
    const first = Math.min(...[...told, ...moved].filter((atMs) => atMs >= faultAtMs))
    return first === Infinity ? [] : [first - faultAtMs]
  })
  return times.length === 0 ? undefined : Math.max(...times)
}

/** The longest time from a moment until the last client was live for good; 0 when none ever was not; `Infinity` when one still is not. */
export function liveWithinMs(clients: readonly ClientRecording[], sinceMs: number, endMs: number): number {
  const ends = clients.flatMap((client) => notLiveOf(client, endMs).map(({ untilMs }) => untilMs))
  return ends.reduce((longest, untilMs) => Math.max(longest, untilMs >= endMs ? Infinity : untilMs - sinceMs), 0)
}
