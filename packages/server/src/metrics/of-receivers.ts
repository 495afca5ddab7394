import { TOKEN_CODES, type TokenCode } from '@pulsewire/protocol'
import type { Histogram } from '../runtime/histogram.ts'
import type { SessionCounts } from '../session/index.ts'
import { FEED, type HistogramMetric, type Metric, perRole, ROLE, seconds } from './metric.ts'

function perFeedOfSessions(of: (counts: SessionCounts) => Iterable<readonly [string, Histogram]>): HistogramMetric['read'] {
  return function* (roles) {
    for (const { role, sessions } of roles)
      if (sessions !== undefined) for (const [feed, histogram] of of(sessions.counts)) yield { labels: { role, feed }, histogram }
  }
}

/** Who is connected, what they are sent, and how fast that goes. */
export const OF_RECEIVERS: readonly Metric[] = [
  {
    name: 'pulsewire_sessions',
    type: 'gauge',
    help: 'Receivers that are connected.',
    labels: ROLE,
    read: perRole((role) => role.sessions?.size),
  },
  {
    name: 'pulsewire_sessions_http',
    type: 'gauge',
    help: 'Of the receivers that are connected, those over HTTP streams, because WebSocket does not get through.',
    labels: ROLE,
    read: perRole((role) => role.sessions && [...role.sessions].filter(({ transport }) => transport.isHttp === true).length),
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
    read: perRole((role) => role.sessions?.counts.messages),
  },
  {
    name: 'pulsewire_sent_bytes_total',
    type: 'counter',
    help: 'Their size (of JSON: in characters), without WebSocket framing.',
    labels: ROLE,
    read: perRole((role) => role.sessions?.counts.bytes),
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
  {
    name: 'pulsewire_session_opens_total',
    type: 'counter',
    help: 'Connections that became sessions, or would have; those too by which balancers see whether somebody is let in.',
    labels: ROLE,
    read: perRole((role) => role.sessions?.counts.opened),
  },
  {
    name: 'pulsewire_session_ends_total',
    type: 'counter',
    help: 'Sessions that ended: the code with which this node closed them (docs/errors.md); `left`: the receiver went in good order; `lost`: its connection ended.',
    labels: ['role', 'reason'],
    *read(roles) {
      for (const { role, sessions } of roles)
        for (const [reason, value] of Object.entries(sessions?.counts.ended ?? {})) yield { labels: { role, reason }, value }
    },
  },
  {
    name: 'pulsewire_tokens_denied_total',
    type: 'counter',
    help: 'Tokens that were not taken, of users by gateways and of gateways by push nodes, by what was wrong (docs/errors.md).',
    labels: ['role', 'code'],
    *read(roles) {
      for (const { role, sessions } of roles) {
        if (sessions === undefined) continue
        for (const code of Object.keys(TOKEN_CODES) as TokenCode[]) yield { labels: { role, code }, value: sessions.denied.get(code) ?? 0 }
      }
    },
  },
  {
    name: 'pulsewire_upgrades_refused_total',
    type: 'counter',
    help: 'Connections that were turned away before the upgrade, by origin or address.',
    labels: ['role', 'reason'],
    *read(roles) {
      for (const { role, sessions } of roles)
        for (const [reason, value] of Object.entries(sessions?.turnedAway ?? {})) yield { labels: { role, reason }, value }
    },
  },
  {
    name: 'pulsewire_update_latency_seconds',
    type: 'histogram',
    help: 'From the time of a record until it is sent to a receiver, of the first update in each message; neither first images nor what a `maxRate` holds back. Compares the clock of whoever wrote the record with this node’s.',
    labels: FEED,
    read: perFeedOfSessions(({ latency }) => latency),
  },
  {
    name: 'pulsewire_sent_pulse_age_seconds',
    type: 'histogram',
    help: 'Age of the pulses that receivers are sent, of the partition where it is oldest. Says nothing while none is sent.',
    labels: FEED,
    read: perFeedOfSessions(({ pulseAge }) => pulseAge),
  },
  {
    name: 'pulsewire_acknowledged_pulse_age_seconds',
    type: 'histogram',
    help: 'Age of the newest pulse that a receiver holds, whenever it acknowledges one, of the partition where it is oldest. Heartbeats are acknowledged as well, so it grows while no pulse comes.',
    labels: FEED,
    read: perFeedOfSessions(({ acknowledgedAge }) => acknowledgedAge),
  },
  {
    name: 'pulsewire_delivery_seconds',
    type: 'histogram',
    help: 'From when a pulse is sent until its receiver has acknowledged it, with all that was sent before it.',
    labels: ROLE,
    *read(roles) {
      for (const { role, sessions } of roles) if (sessions !== undefined) yield { labels: { role }, histogram: sessions.counts.delivery }
    },
  },
]
