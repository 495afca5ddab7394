import { parsePosition } from '@pulsewire/protocol'
import type { FaultRun } from './fault-run.ts'

/** From the log's acknowledgement of a record until a client saw it, of all updates in this time. Below zero where the client was faster. */
export function latenciesMs(run: FaultRun, fromMs: number, untilMs: number): number[] {
  const latencies: number[] = []
  for (const { views } of run.clients) {
    for (const { feed, events } of views) {
      const acknowledged = run.producer.acknowledgedMs.get(run.feeds.find(({ name }) => name === feed)!.topic)!
      for (const event of events) {
        if (event.kind !== 'update' || event.again || event.atMs < fromMs || event.atMs >= untilMs) continue
        const { partition, offset } = parsePosition(event.position)!
        const inLogMs = acknowledged.get(`${partition}:${offset}`)
        if (inLogMs !== undefined) latencies.push(event.atMs - inLogMs)
      }
    }
  }
  return latencies.sort((a, b) => a - b)
}

/** @param sorted ascending. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}
