import type { Histogram } from '../runtime/histogram.ts'
import type { IntakeCounts, ProcessSource, RoleSource } from './sources.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>
  readonly histogram: Histogram
}

interface Described {
  readonly name: string
  readonly help: string
  /** Every one of them is bounded by what is configured, by a list of codes, or by the number of nodes. */
  readonly labels: readonly string[]
}

export interface NumberMetric extends Described {
  readonly type: 'gauge' | 'counter'
  /** @param roles those of the process. */
  read(roles: readonly RoleSource[], process: ProcessSource | null): Iterable<Sample>
}

export interface HistogramMetric extends Described {
  readonly type: 'histogram'
  read(roles: readonly RoleSource[]): Iterable<HistogramSample>
}

/** One metric: what it is called, what it says, and where it is read. docs/metrics.md lists the same; a test keeps both equal. */
export type Metric = NumberMetric | HistogramMetric

export const ROLE = ['role'] as const
export const FEED = ['role', 'feed'] as const

/** Of each role: one sample, or none where it has nothing of the kind. */
export function perRole(value: (role: RoleSource) => number | null | undefined): NumberMetric['read'] {
  return function* (roles) {
    for (const role of roles) {
      const one = value(role)
      if (one !== null && one !== undefined) yield { labels: { role: role.role }, value: one }
    }
  }
}

/** Of each feed of each role that has a hub. */
export function perFeed(value: (feed: NonNullable<RoleSource['hub']>['feeds'][number]) => number): NumberMetric['read'] {
  return function* (roles) {
    for (const { role, hub } of roles) for (const feed of hub?.feeds ?? []) yield { labels: { role, feed: feed.name }, value: value(feed) }
  }
}

export function perIntake(value: (intake: IntakeCounts, nowMs: number) => number | null): NumberMetric['read'] {
  return function* (roles) {
    for (const { role, hub, ...source } of roles) {
      for (const intake of source.intakes?.() ?? []) {
        const one = value(intake, hub?.clock.nowMs() ?? 0)
        if (one !== null) yield { labels: { role, feed: intake.feed }, value: one }
      }
    }
  }
}

export const seconds = (ms: number): number => ms / 1000
