import { ago, type SessionEvent, span } from '@pulsewire/server'
import { formatTime, sanitize } from '../watch/format.ts'
import { balancerLines, hasAsked } from './balancer-lines.ts'
import type { SessionsFound } from './sessions.ts'

/** For a terminal: where the user is, or was last, and what happened in order. */
export function formatSessions(found: SessionsFound, nowMs: number): string {
  const lines = [...headLines(found, nowMs), ...found.events.map(eventLine)]
  return lines.map(sanitize).join('\n')
}

/** Where the user is, or was last. */
export function headLines(found: SessionsFound, nowMs: number): string[] {
  const { who, gateways, unanswered, events, topic } = found
  const open = gateways.flatMap(({ node, open }) => open.map((session) => ({ node, ...session })))
  const lines = open.map(
    ({ node, session, client, remote, openForMs, symbols, acknowledgedAgoMs }) =>
      `${who} is at ${node}: session ${session}, ${client} from ${remote} for ${span(openForMs)}, ${symbols} symbols, ${acknowledgedAgoMs === null ? 'nothing acknowledged yet' : `last acknowledged ${ago(acknowledgedAgoMs)}`}`,
  )
  if (open.length === 0) lines.push(lastSeen(found, nowMs))
  lines.push(...balancerLines(found))
  const never = gateways.filter(({ node }) => !events.some((event) => event.node === node))
  if (never.length > 0) {
    const since = never.map(({ node, nowMs: now, sinceMs }) => `${node} (in the last ${span(now - sinceMs)})`).join(', ')
    lines.push(`never reached ${since}`)
  }
  for (const { node, message } of unanswered) lines.push(`not asked: ${node}: ${message}`)
  if (open.length === 0 && topic === null)
    lines.push('gateways remember only so much, and nothing of before their start: --topic reads what they wrote into the log')
  return lines
}

function lastSeen({ who, gateways, events, balancers }: SessionsFound, nowMs: number): string {
  const last = events.findLast(({ session }) => session !== '')
  const isOne = who.startsWith('session ')
  if (gateways.length === 0) {
    const before =
      last === undefined ? '' : `; last written ${ago(Math.max(0, nowMs - last.at))} at ${last.node}: ${last.what}: ${last.detail}`
    return `where ${who} is now is not known: no gateway answered${before}`
  }
  if (last === undefined && isOne) return `${who} is not known`
  if (last === undefined) return hasAsked(balancers) ? `${who} never arrived` : `${who} has no session, and none is known`
  return `${who} ${isOne ? 'is over' : 'has no session'}; last seen ${ago(Math.max(0, nowMs - last.at))} at ${last.node}: ${last.what}: ${last.detail}`
}

function eventLine({ at, node, session, what, detail, times }: SessionEvent): string {
  const day = new Date(at).toISOString().slice(0, 10)
  const where = session === '' ? node : session
  return `${day} ${formatTime(at)}  ${where}  ${what}${times > 1 ? ` (${times} times)` : ''}: ${detail}`
}
