import type { ClientRecorder } from '../../support/checker/client-recorder.ts'
import { notLiveOf } from '../../support/checker/view-times.ts'
import { steadyMs } from '../../support/steady.ts'

/** For each of these clients: did it name this hop (and reason) while it was not live since then? @returns those that did not, with what they said. */
export function withoutReason(clients: readonly ClientRecorder[], sinceMs: number, hop: string, reason?: string): string[] {
  return clients.flatMap((client) => {
    const spans = notLiveOf(client, steadyMs()).filter(({ untilMs }) => untilMs > sinceMs)
    const named = spans.some(({ states }) => states.some((state) => state.hop === hop && (reason === undefined || state.reason === reason)))
    const said = [...new Set(spans.map((span) => span.said))].slice(0, 3).join('; ') || 'nothing'
    return named ? [] : [`${client.id} did not name ${reason ?? 'a reason'} at ${hop}; it said: ${said}`]
  })
}
