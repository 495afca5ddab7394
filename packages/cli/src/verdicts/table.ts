import type { VerdictRow, VerdictsAnswer } from '@pulsewire/server'
import { createColors } from 'picocolors'
import stringWidth from 'string-width'
import { formatAge, sanitize } from '../watch/format.ts'

const HEADINGS = ['node', 'role', 'zone', 'used', 'since', 'load', 'pulse', 'why'] as const

/** Gateways first, in the order of what they do for clients; within a role by name. */
const ROLES: readonly VerdictRow['role'][] = ['gateway', 'push', 'pulse', 'balancer']

export function verdictsTable(answer: VerdictsAnswer, options: { readonly colour: boolean }): string {
  const paint = createColors(options.colour)
  const rows = answer.verdicts.toSorted((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role) || a.node.localeCompare(b.node))
  const cells = rows.map((row) => cellsOf(row, answer.atMs).map(sanitize))
  const widths = HEADINGS.map((heading, i) => Math.max(stringWidth(heading), ...cells.map((row) => stringWidth(row[i]!))))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell + ' '.repeat(Math.max(0, widths[i]! - stringWidth(cell))))
      .join('  ')
      .trimEnd()
  return [
    ...headLines(answer).map((text) => paint.yellow(sanitize(text))),
    paint.bold(line(HEADINGS)),
    ...cells.map((row, i) => colourOf(rows[i]!, paint)(line(row))),
  ].join('\n')
}

/** What holds for more than one node. */
function headLines({ view, degraded, atMs, balancer }: VerdictsAnswer): string[] {
  const lines = degraded.map(({ track, message, sinceMs }) => `track ${track} degraded for ${formatAge(atMs - sinceMs)}: ${message}`)
  if (view.state === 'loading') lines.push(`${balancer} is still reading the control topic`)
  return lines
}

function cellsOf(row: VerdictRow, atMs: number): string[] {
  const { node, role, zone, track, line, handedOut, degraded, sinceMs, load, reasons, probe, version } = row
  const place = `${zone}${line === undefined ? '' : ` ${line}`}${track === 'grey' ? ' grey' : ''}`
  const why = reasons.map(({ code, message, sinceMs: from }) => `${code} (${formatAge(atMs - from)}): ${message}`)
  const ages = probe?.feeds.map(({ pulseAgeMs }) => pulseAgeMs) ?? []
  const oldest = ages.length === 0 || ages.includes(null) ? undefined : Math.max(...ages.map(Number))
  return [
    `${node} ${version}`,
    role,
    place,
    handedOut ? (degraded ? 'degraded' : 'yes') : 'no',
    formatAge(atMs - sinceMs),
    load.sessionsMax === 0 ? '' : `${load.sessions}/${load.sessionsMax}`,
    formatAge(oldest),
    why.join('; '),
  ]
}

function colourOf({ handedOut, degraded }: VerdictRow, paint: ReturnType<typeof createColors>): (text: string) => string {
  return handedOut ? (degraded ? paint.yellow : (text) => text) : paint.red
}
