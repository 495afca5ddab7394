import { FEED, type Metric, perFeed, perRole, ROLE, seconds } from './metric.ts'

/** What every role has, and how fresh its feeds are. */
export const OF_ROLES: readonly Metric[] = [
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
]
