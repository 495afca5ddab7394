import type { Fleet } from './fault.ts'

/** A push node calls what is older stale, and a link over which nothing came for so long is none: with hiccups of both ends. */
const YOUNG_MS = 2_500

/**
 * P3 rests on both lines: at rest every push node reads what it has, and every gateway hears both lines. No client shows
 * that one of them is missing, until the other goes too. @returns what is missing, if anything is.
 */
export function missingOf({ pushNodes, gateways }: Fleet): string | undefined {
  for (const { id, node, process } of pushNodes) {
    const nowMs = process.clock.nowMs()
    for (const { name, freshness } of node!.hub.feeds) {
      for (const { partition } of freshness.partitions) {
        const ageMs = freshness.ageMs(partition, nowMs)
        if (!(ageMs <= YOUNG_MS)) return `the newest pulse of ${name}/${partition} that ${id} has read is ${Math.round(ageMs)} ms old`
      }
    }
  }
  for (const { id, node, process } of gateways) {
    const nowMs = process.clock.nowMs()
    for (const line of ['A', 'B']) {
      const heard = node!.links.some((link) => link.line === line && link.state === 'open' && nowMs - link.lastHeardMs <= YOUNG_MS)
      if (!heard) return `${id} hears nothing of line ${line}`
    }
  }
  return undefined
}
