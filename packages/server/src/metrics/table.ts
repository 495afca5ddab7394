import type { Metric } from './metric.ts'
import { OF_BALANCER } from './of-balancer.ts'
import { OF_INTAKE } from './of-intake.ts'
import { OF_LINKS } from './of-links.ts'
import { OF_RECEIVERS } from './of-receivers.ts'
import { OF_ROLES } from './of-roles.ts'

const OF_PROCESS: readonly Metric[] = [
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

export const METRICS: readonly Metric[] = [...OF_ROLES, ...OF_RECEIVERS, ...OF_LINKS, ...OF_INTAKE, ...OF_BALANCER, ...OF_PROCESS]
