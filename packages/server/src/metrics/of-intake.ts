import { FEED, type Metric, perIntake, seconds } from './metric.ts'

/** What a push node reads. */
export const OF_INTAKE: readonly Metric[] = [
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
  {
    name: 'pulsewire_intake_lag_records',
    type: 'gauge',
    help: 'Records and pulses of the feed that were left to be read when the last batch was fetched, in all partitions that are read here. A reader that gets no batches knows of no more: the age of pulses does.',
    labels: FEED,
    read: perIntake(({ lag }) => lag),
  },
  {
    name: 'pulsewire_intake_record_age_seconds',
    type: 'gauge',
    help: 'Time since the last record of the feed came, pulses left out. No sample before the first one.',
    labels: FEED,
    read: perIntake(({ recordAtMs }, nowMs) => (recordAtMs === null ? null : seconds(Math.max(0, nowMs - recordAtMs)))),
  },
]
