import { type KnownNode, whenSaid, whoSaid } from '@pulsewire/server'

const HEADINGS = ['node', 'role', 'state', 'word', 'ready', 'version', 'zone', 'line', 'generations', 'sessions', 'age', 'address'] as const

/** One line per node, by role and name; and who took out those that are. */
export function nodesTable(nodes: readonly KnownNode[], nowMs: number): string {
  const sorted = nodes.toSorted((a, b) => a.lease.role.localeCompare(b.lease.role) || a.lease.node.localeCompare(b.lease.node))
  const words = sorted
    .filter(({ word }) => word !== 'online')
    .map(({ lease, word, told }) => `${lease.node} is ${word}: ${whoSaid(told)} said so${whenSaid(told)}`)
  return [columns([HEADINGS, ...sorted.map((node) => cells(node, nowMs))]), ...words].join('\n')
}

/** Rows of cells as lines of text, each column as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cells({ lease, state, word, heardAtMs }: KnownNode, nowMs: number): string[] {
  const track = lease.track === 'stable' ? '' : ` (${lease.track})`
  return [
    lease.node,
    lease.role,
    state,
    word,
    lease.draining ? 'draining' : lease.ready ? 'yes' : 'no',
    lease.version.split(' ')[0]! + track,
    lease.zone,
    lease.line ?? '-',
    lease.feeds.map(({ feed, generation }) => `${feed}:${generation}`).join(',') || '-',
    lease.load.sessionsMax === 0 ? '-' : String(lease.load.sessions),
    ageOf(nowMs - heardAtMs),
    lease.addresses.join(',') || '-',
  ]
}

/** `0.4s`, `12s`, `5m`, `3h`. */
export function ageOf(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1000).toFixed(1)}s`
  if (ms < 120_000) return `${Math.round(ms / 1000)}s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)}m` : `${Math.round(ms / 3_600_000)}h`
}
