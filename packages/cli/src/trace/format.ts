import { ago, type Finding, type HopFacts, type LinkFact, span, type TraceFacts } from '@pulsewire/server'
import type { createColors } from 'picocolors'
import { formatDelay, sanitize } from '../watch/format.ts'

type Paint = ReturnType<typeof createColors>

const MARKS: Readonly<Record<Finding['severity'], string>> = { broken: '✗', degraded: '!', well: '✓' }

/** For a terminal: what was found, the worst first, then what each hop said, from the client to the log. */
export function formatTrace(facts: TraceFacts, findings: readonly Finding[], paint: Paint): string {
  const colour = { broken: paint.red, degraded: paint.yellow, well: paint.green }
  const found = findings.flatMap(({ severity, code, hop, sentence, remedy }) => [
    colour[severity](`${MARKS[severity]} ${code} at ${sanitize(hop)}: ${sanitize(sentence)}`),
    // Where something is wrong, what is well needs no advice; alone it does.
    ...(severity === 'well' && findings.length > 1 ? [] : [`  ${remedy}`]),
  ])
  const rows = traceRows(facts)
  const width = Math.max(0, ...rows.map(([what]) => what.length))
  return [...found, '', ...rows.map(([what, text]) => `${paint.bold(what.padEnd(width))}  ${sanitize(text)}`)].join('\n')
}

/** What each hop said, from the client to the log. */
export function traceRows({ gateway, push, unanswered, target }: TraceFacts): [what: string, text: string][] {
  const rows: [string, string][] = []
  if (gateway !== null) rows.push(...gatewayRows(gateway, target.symbol))
  for (const hop of push) rows.push(['push', pushRow(hop, target.symbol)])
  for (const { node, code, message } of unanswered) rows.push(['silent', `${node}: ${code}: ${message}`])
  return rows
}

function gatewayRows(hop: HopFacts, name: string): [string, string][] {
  const { session, links, unlinked = [] } = hop
  const rows: [string, string][] = []
  if (session !== null) {
    const { client, user, remote, acknowledgedPulse, acknowledgedAgoMs, openForMs, due, inFlightBytes, roundTripMs, subscription } = session
    const acknowledged =
      acknowledgedAgoMs === null ? 'has acknowledged no pulse' : `acknowledged pulse ${acknowledgedPulse} ${ago(acknowledgedAgoMs)}`
    rows.push(['client', `${client}${user === '' ? '' : ` of ${user}`} at ${remote}, ${acknowledged}`])
    const holds =
      subscription === null ? 'not subscribed' : `subscribed (id ${subscription.id}), behind by ${subscription.behindBy} records`
    rows.push([
      'session',
      `${session.session}, open for ${span(openForMs)}: ${holds}; ${due} updates due, ${inFlightBytes} bytes on their way, round trip ${roundTripMs} ms`,
    ])
  }
  rows.push(['gateway', `${hop.node} ${hop.version}: ${symbolText(hop, name)}`])
  for (const link of links) rows.push(['link', linkRow(link)])
  for (const { node, line, address, why, silentMs } of unlinked)
    rows.push(['no link', `line ${line} → ${node} (${address}): ${why}; last beat ${ago(silentMs)}`])
  return rows
}

function linkRow({ node, line, address, state, why, carries, holds, covered, pulse }: LinkFact): string {
  const who = `line ${line} → ${node} (${address})`
  if (state !== 'open') return `${who}: ${state}: ${why}`
  if (!carries) return `${who}: open, does not have the partition`
  const symbol = holds ? (covered ? 'gives the symbol' : 'was asked for the symbol, image not here yet') : 'not asked for the symbol'
  return `${who}: open, ${symbol}, ${pulse === null ? 'no pulse' : `pulse ${ago(pulse.ageMs)}`}`
}

function pushRow(hop: HopFacts, name: string): string {
  const { node, version, log } = hop
  if (log === null) return `${node} ${version}: ${symbolText(hop, name)}`
  const end = log.end === null ? `the log does not say where it ends (${log.unreachable ?? 'no such partition'})` : `it ends at ${log.end}`
  const read = log.reads ? `read up to ${log.next}, ${end}` : 'not read here'
  return `${node} ${version}: ${symbolText(hop, name)}; ${log.topic}/${hop.feed?.partition} (generation ${log.generation}) ${read}`
}

function symbolText({ feed, symbol }: HopFacts, name: string): string {
  if (feed === null) return 'no such feed'
  const record = symbol?.position == null ? `no record of ${name}` : `${name} at ${symbol.position}, ${span(symbol.recordAgeMs)} old`
  const pulse = feed.pulse === null ? 'no pulse' : `pulse ${ago(feed.pulse.ageMs)}`
  const late = feed.delay == null ? '' : `, ${formatDelay(feed.delay.delayMs)} (shows ${feed.delay.of})`
  return `${record}, ${pulse}${late}${feed.stale === null ? '' : `, stale for ${span(feed.stale.forMs)}: ${feed.stale.reason}`}`
}
