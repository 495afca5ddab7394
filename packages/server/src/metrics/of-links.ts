import { type Metric, seconds } from './metric.ts'

/** A gateway’s links to push nodes. */
export const OF_LINKS: readonly Metric[] = [
  {
    name: 'pulsewire_links',
    type: 'gauge',
    help: 'Links of the gateway to push nodes.',
    labels: ['line', 'state'],
    *read(roles) {
      const links = roles.flatMap((role) => role.leaseContent().links ?? [])
      for (const line of new Set(links.map((link) => link.line))) {
        for (const state of ['open', 'connecting', 'waiting'] as const)
          yield { labels: { line, state }, value: links.filter((link) => link.line === line && link.state === state).length }
      }
    },
  },
  {
    name: 'pulsewire_link_pulse_age_seconds',
    type: 'gauge',
    help: 'Age of the newest pulse that the link brought, of the partition where it is oldest.',
    labels: ['upstream', 'line'],
    *read(roles) {
      for (const role of roles) {
        for (const { node, line, pulseAgeMs } of role.leaseContent().links ?? [])
          if (pulseAgeMs !== null) yield { labels: { upstream: node, line }, value: seconds(pulseAgeMs) }
      }
    },
  },
  {
    name: 'pulsewire_link_updates_total',
    type: 'counter',
    help: 'Updates of all links: `taken` is passed on, a `duplicate` another line had brought already.',
    labels: ['outcome'],
    *read(roles) {
      for (const role of roles) {
        const counts = role.linkCounts?.()
        if (counts === undefined) continue
        yield { labels: { outcome: 'taken' }, value: counts.taken }
        yield { labels: { outcome: 'duplicate' }, value: counts.duplicates }
      }
    },
  },
  {
    name: 'pulsewire_link_gaps_total',
    type: 'counter',
    help: 'Holes in `every` feeds: `refilled` from elsewhere, or told to receivers as a `gap`.',
    labels: ['outcome'],
    *read(roles) {
      for (const role of roles) {
        const counts = role.linkCounts?.()
        if (counts === undefined) continue
        yield { labels: { outcome: 'gap' }, value: counts.gaps }
        yield { labels: { outcome: 'refilled' }, value: counts.refills }
      }
    },
  },
]
