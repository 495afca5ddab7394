import type { ProcessSource, RoleSource } from './sources.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One metric: what it is called, what it says, and where it is read. docs/metrics.md lists the same; a test keeps both equal. */
export interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  /** Every one of them is bounded by what is configured or by the number of nodes. */
  readonly labels: readonly string[]
  /** @param roles those of the process. */
  read(roles: readonly RoleSource[], process: ProcessSource | null): Iterable<Sample>
}

const ROLE = ['role'] as const
const FEED = ['role', 'feed'] as const

/** Of each role: one sample, or none where it has nothing of the kind. */
function perRole(value: (role: RoleSource) => number | null | undefined): Metric['read'] {
  return function* (roles) {
    for (const role of roles) {
      const one = value(role)
      if (one !== null && one !== undefined) yield { labels: { role: role.role }, value: one }
    }
  }
}

/** Of each feed of each role that has a hub. */
function perFeed(value: (feed: NonNullable<RoleSource['hub']>['feeds'][number]) => number): Metric['read'] {
  return function* (roles) {
    for (const { role, hub } of roles) for (const feed of hub?.feeds ?? []) yield { labels: { role, feed: feed.name }, value: value(feed) }
  }
}

function perIntake(value: (intake: NonNullable<ReturnType<NonNullable<RoleSource['intakes']>>>[number]) => number): Metric['read'] {
  return function* (roles) {
    for (const { role, ...source } of roles)
      for (const intake of source.intakes?.() ?? []) yield { labels: { role, feed: intake.feed }, value: value(intake) }
  }
}

const seconds = (ms: number): number => ms / 1000

export const METRICS: readonly Metric[] = [
  // ---- what everybody has
  {
    name: 'pulsewire_ready',
    type: 'gauge',
    help: '1 while the role takes work, as its lease and /ready say.',
    labels: ROLE,
    read: perRole((role) => Number(role.leaseContent().ready)),
  },
  {
    name: 'pulsewire_draining',
    type: 'gauge',
    help: '1 while the role asks its receivers to move.',
    labels: ROLE,
    read: perRole((role) => Number(role.leaseContent().draining)),
  },
  {
    name: 'pulsewire_stuck',
    type: 'gauge',
    help: '1 while a stage of the process has passed its deadline.',
    labels: ROLE,
    read: perRole((role) => Number(role.leaseContent().fault !== undefined)),
  },
  // ---- freshness
  {
    name: 'pulsewire_feed_pulse_age_seconds',
    type: 'gauge',
    help: 'Age of the newest pulse of the feed, of the partition where it is oldest. No sample before the first one.',
    labels: FEED,
    *read(roles) {
      for (const source of roles) {
        const oldest = new Map<string, number>()
        for (const { feed, pulseAgeMs } of source.leaseContent().feeds) {
          if (pulseAgeMs !== null) oldest.set(feed, Math.max(oldest.get(feed) ?? 0, pulseAgeMs))
        }
        for (const [feed, ageMs] of oldest) yield { labels: { role: source.role, feed }, value: seconds(ageMs) }
      }
    },
  },
  {
    name: 'pulsewire_feed_generation',
    type: 'gauge',
    help: 'Generation of the feed that the role serves, the newest where it serves two.',
    labels: FEED,
    *read(roles) {
      for (const source of roles) {
        const newest = new Map<string, number>()
        for (const { feed, generation } of source.leaseContent().feeds) newest.set(feed, Math.max(newest.get(feed) ?? 0, generation))
        for (const [feed, generation] of newest) yield { labels: { role: source.role, feed }, value: generation }
      }
    },
  },
  {
    name: 'pulsewire_partitions',
    type: 'gauge',
    help: 'Partitions of the feed, as far as known.',
    labels: FEED,
    read: perFeed((feed) => feed.partitions),
  },
  {
    name: 'pulsewire_partitions_stale',
    type: 'gauge',
    help: 'Partitions of the feed that are stale here: receivers are told so.',
    labels: FEED,
    read: perFeed((feed) => [...feed.freshness.partitions].filter(({ stale }) => stale !== null).length),
  },
  {
    name: 'pulsewire_symbols',
    type: 'gauge',
    help: 'Symbols of the feed that are held.',
    labels: FEED,
    read: perFeed((feed) => feed.symbols.size),
  },
  // ---- receivers
  {
    name: 'pulsewire_sessions',
    type: 'gauge',
    help: 'Receivers that are connected.',
    labels: ROLE,
    read: perRole((role) => role.sessions?.size),
  },
  {
    name: 'pulsewire_sessions_max',
    type: 'gauge',
    help: 'Receivers that may be connected at once.',
    labels: ROLE,
    read: perRole((role) => (role.sessions === undefined ? null : role.leaseContent().load.sessionsMax)),
  },
  {
    name: 'pulsewire_sessions_slow',
    type: 'gauge',
    help: 'Receivers that take less than they are sent.',
    labels: ROLE,
    read: perRole((role) => role.sessions?.slow),
  },
  {
    name: 'pulsewire_subscriptions',
    type: 'gauge',
    help: 'Symbols that receivers subscribe to, each counted for each receiver.',
    labels: ROLE,
    read: perRole((role) => role.sessions && [...role.sessions].reduce((sum, { symbols }) => sum + symbols, 0)),
  },
  {
    name: 'pulsewire_backlog_bytes',
    type: 'gauge',
    help: 'What waits for receivers in this process.',
    labels: ROLE,
    read: perRole((role) => role.sessions && [...role.sessions].reduce((sum, { backlogBytes }) => sum + backlogBytes, 0)),
  },
  {
    name: 'pulsewire_flush_interval_seconds',
    type: 'gauge',
    help: 'How long updates are collected for a busy receiver now; it grows under load.',
    labels: ROLE,
    read: perRole((role) => role.sessions && seconds(role.sessions.flushIntervalMs)),
  },
  {
    name: 'pulsewire_sent_messages_total',
    type: 'counter',
    help: 'Messages sent to receivers.',
    labels: ROLE,
    read: perRole((role) => role.sessions?.sent.messages),
  },
  {
    name: 'pulsewire_sent_bytes_total',
    type: 'counter',
    help: 'Their size (of JSON: in characters), without WebSocket framing.',
    labels: ROLE,
    read: perRole((role) => role.sessions?.sent.bytes),
  },
  {
    name: 'pulsewire_sent_updates_total',
    type: 'counter',
    help: 'Updates in them.',
    labels: ROLE,
    read: perRole((role) => role.sessions?.sentUpdates),
  },
  {
    name: 'pulsewire_receiver_stalls_total',
    type: 'counter',
    help: 'Receivers that took nothing for too long, by what their host did meanwhile.',
    labels: ['role', 'kind'],
    *read(roles) {
      for (const { role, sessions } of roles)
        for (const [kind, value] of Object.entries(sessions?.stalls ?? {})) yield { labels: { role, kind }, value }
    },
  },
  {
    name: 'pulsewire_repairs_total',
    type: 'counter',
    help: 'Receivers whose set of subscriptions differed, and was put right.',
    labels: ROLE,
    read: perRole((role) => role.sessions?.repairs),
  },
  // ---- links of a gateway
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
  // ---- intake of a push node
  {
    name: 'pulsewire_intake_records_total',
    type: 'counter',
    help: 'Records read from the log, pulses left out. Begins anew when the feed moves to another topic.',
    labels: FEED,
    read: perIntake(({ records }) => records),
  },
  {
    name: 'pulsewire_intake_pulses_total',
    type: 'counter',
    help: 'Pulses read from the log. Begins anew when the feed moves to another topic.',
    labels: FEED,
    read: perIntake(({ pulses }) => pulses),
  },
  {
    name: 'pulsewire_poison_records_total',
    type: 'counter',
    help: 'Records that could not be taken, or not wholly, by kind. Begins anew when the feed moves to another topic.',
    labels: ['feed', 'kind'],
    *read(roles) {
      for (const role of roles) {
        for (const { feed, poison } of role.intakes?.() ?? [])
          for (const [kind, value] of Object.entries(poison)) yield { labels: { feed, kind }, value }
      }
    },
  },
  // ---- a balancer's judgement
  {
    name: 'pulsewire_gateways',
    type: 'gauge',
    help: 'Gateways that the balancer knows, by whether it hands them out.',
    labels: ['handed_out'],
    *read(roles) {
      for (const role of roles) {
        if (role.verdicts === undefined) continue
        const gateways = [...role.verdicts()].filter((verdict) => verdict.role === 'gateway')
        for (const out of [true, false])
          yield { labels: { handed_out: String(out) }, value: gateways.filter(({ handedOut }) => handedOut === out).length }
      }
    },
  },
  {
    name: 'pulsewire_gateway_reasons',
    type: 'gauge',
    help: 'Gateways against which the reason speaks, by code (docs/balancer.md).',
    labels: ['reason'],
    *read(roles) {
      for (const role of roles) {
        const counts = new Map<string, number>()
        for (const verdict of role.verdicts?.() ?? []) {
          if (verdict.role === 'gateway') for (const reason of verdict.reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
        }
        for (const [reason, value] of counts) yield { labels: { reason }, value }
      }
    },
  },
  // ---- the process
  {
    name: 'pulsewire_reports_total',
    type: 'counter',
    help: 'Reports of the watchdog, and those that could not be written.',
    labels: ['outcome'],
    *read(_, process) {
      if (process === null) return
      yield { labels: { outcome: 'written' }, value: process.reports.written }
      yield { labels: { outcome: 'dropped' }, value: process.reports.dropped }
    },
  },
]
