import type { Log } from '../log/index.ts'
import { SESSION_EVENTS, type SessionEvent } from './event.ts'

/** Of one user or session. */
const FOUND_MAX = 10_000

/** Reads back what gateways wrote, from a moment up to where the topic ends now. @throws LogError */
export async function readSessionEvents(
  log: Log,
  topic: string,
  fromMs: number,
  isWanted: (event: SessionEvent) => boolean,
): Promise<SessionEvent[]> {
  const { partitions } = await log.describe(topic)
  const open = new Map(partitions.filter(({ earliest, latest }) => latest > earliest).map(({ partition, latest }) => [partition, latest]))
  const found: SessionEvent[] = []
  if (open.size === 0) return found
  const reader = log.read(
    topic,
    [...open.keys()].map((partition) => ({ partition, start: { at: 'time', timestampMs: fromMs } })),
  )
  try {
    for await (const event of reader) {
      if (event.kind === 'unreachable') throw event.error
      if (event.kind === 'missing' || event.kind === 'recreated') break
      if (event.kind === 'records') {
        for (const { value } of event.records) {
          const read = parse(value)
          if (read !== undefined && isWanted(read)) found.push(read)
        }
        if (event.span.next >= (open.get(event.partition) ?? 0)) open.delete(event.partition)
      } else if (event.kind === 'started' && event.offset >= (open.get(event.partition) ?? 0)) open.delete(event.partition)
      if (open.size === 0 || found.length >= FOUND_MAX) break
    }
  } finally {
    await reader.close()
  }
  return found.sort((a, b) => a.at - b.at)
}

/** Whatever else lies in the topic is passed over. */
function parse(value: Uint8Array | null): SessionEvent | undefined {
  if (value === null) return undefined
  try {
    const event = JSON.parse(Buffer.from(value).toString('utf8')) as SessionEvent
    const isEvent =
      typeof event.at === 'number' &&
      typeof event.session === 'string' &&
      typeof event.user === 'string' &&
      typeof event.detail === 'string'
    return isEvent && SESSION_EVENTS.includes(event.what) ? event : undefined
  } catch {
    return undefined
  }
}
