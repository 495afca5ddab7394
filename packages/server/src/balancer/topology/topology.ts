/** What a balancer knows of an installation, as one answer: a pure function of the directory and the verdicts. */
import type { Directory, DirectoryPart } from '../../directory/index.ts'
import { verdictRow } from '../http/rows.ts'
import type { Worse } from '../grey/grey-guard.ts'
import type { TrackFigures } from '../grey/track-figures.ts'
import { mostHaveComeTo } from '../verdict/proven.ts'
import type { Degradation, Track, Verdict } from '../verdict/verdict-book.ts'
import type { Topology, TopologyFeed, TopologyNode } from './schemas.ts'

export interface TopologySource {
  /** Name of the balancer. */
  readonly balancer: string
  readonly directory: Pick<Directory, 'parts' | 'grey'>
  readonly verdicts: ReadonlyMap<string, Verdict>
  degradations(track: Track): readonly Degradation[]
  /** Stable first. */
  readonly tracks: readonly TrackFigures[]
  /** In what grey is worse than it may be. */
  readonly worse: readonly Worse[]
}

const TRACKS: readonly Track[] = ['stable', 'grey']

/** @param nowMs of the clock that all times in the source are of. */
export function topologyOf({ balancer, directory, verdicts, degradations, tracks, worse }: TopologySource, nowMs: number): Topology {
  const all = [...verdicts.values()]
  const [own, ...others] = directory.parts
  const feedsIn = (part: DirectoryPart) =>
    feedsOf(
      part,
      all.filter(({ otherZone }) => otherZone === part.otherZone),
      nowMs,
    )
  const otherZones = others.map((part) => ({ zone: part.otherZone!, view: viewOf(part), feeds: feedsIn(part) }))
  return {
    balancer,
    atMs: Math.round(nowMs),
    view: viewOf(own!),
    degraded: TRACKS.filter((track) => all.some(({ known }) => known.lease.track === track)).flatMap((track) =>
      degradations(track).map((one) => ({ ...one, sinceMs: Math.round(one.sinceMs), track })),
    ),
    tracks: tracks.some(({ track, gateways }) => track === 'grey' && gateways > 0) ? tracks.map(trackRow) : [],
    grey: greyOf(directory.grey, worse),
    feeds: feedsIn(own!),
    ...(otherZones.length === 0 ? {} : { otherZones }),
    nodes: all.map((verdict) => nodeOf(verdict, nowMs)),
  }
}

function viewOf({ view, viewSinceMs }: DirectoryPart): Topology['view'] {
  return { state: view, sinceMs: Math.round(viewSinceMs) }
}

function trackRow({ freshnessMs, latencyMs, errorRate, disconnectRate, track, gateways, sessions, looks }: TrackFigures) {
  const tenth = (value: number) => Math.round(value * 10) / 10
  return {
    track,
    gateways,
    sessions,
    looks,
    freshnessMs: freshnessMs === null ? null : Math.round(freshnessMs),
    latencyMs: latencyMs === null ? null : tenth(latencyMs),
    errorRate: tenth(errorRate),
    disconnectRate: tenth(disconnectRate),
  }
}

function greyOf(policy: TopologySource['directory']['grey'], worse: readonly Worse[]): Topology['grey'] {
  if (policy === null) return null
  const { release, stopped } = policy
  return {
    percent: release.percent,
    users: release.users.length,
    setAtMs: release.atMs,
    ...(release.by === undefined ? {} : { setBy: release.by }),
    guarded: release.guarded !== false,
    worse: worse.map(({ sinceMs, ...one }) => ({ ...one, sinceMs: Math.round(sinceMs) })),
    stopped: stopped === null ? null : { by: stopped.by, reason: stopped.reason, atMs: stopped.atMs },
  }
}

function nodeOf(verdict: Verdict, nowMs: number): TopologyNode {
  const { lease, heardAtMs } = verdict.known
  // A lease says how old things were when it was written; until the next beat they grow older by themselves.
  const beatAgeMs = Math.max(0, nowMs - heardAtMs)
  const older = (ageMs: number | null): number | null => (ageMs === null ? null : Math.round(ageMs + beatAgeMs))
  return {
    ...verdictRow(verdict, nowMs),
    feeds: lease.feeds.map(({ partitions, pulseAgeMs, ...feed }) => ({
      ...feed,
      ...(partitions === undefined ? {} : { partitions: [...partitions] }),
      pulseAgeMs: older(pulseAgeMs),
    })),
    links: (lease.links ?? []).map((link) => ({ ...link, pulseAgeMs: older(link.pulseAgeMs) })),
    fault: lease.fault ?? null,
    vitals: lease.vitals === undefined ? null : { ...lease.vitals },
  }
}

/** Feeds of the catalogue, and those that only leases name. */
function feedsOf(directory: DirectoryPart, verdicts: readonly Verdict[], nowMs: number): TopologyFeed[] {
  const names = new Set(directory.feeds.keys())
  for (const { known } of verdicts) if (isThere(known.state)) for (const { feed } of known.lease.feeds) names.add(feed)
  return [...names].sort().map((feed) => {
    const catalogued = directory.feeds.get(feed)
    const leased = verdicts.flatMap(({ known: { lease, state } }) => (isThere(state) ? lease.feeds.filter((one) => one.feed === feed) : []))
    const ofGateways = verdicts.flatMap(({ role, known: { lease, state } }) =>
      role === 'gateway' && isThere(state) ? lease.feeds.filter((one) => one.feed === feed) : [],
    )
    const generations = leased.map((one) => one.generation)
    // One that is delayed comes to where its feed is later: until then both are read.
    const delayOf = leased.find((one) => one.delayOf !== undefined)?.delayOf
    const leads = delayOf === undefined ? mostHaveComeTo(ofGateways.map((one) => one.generation)) : Math.min(...generations)
    const generation = catalogued?.current.generation ?? leads ?? Math.max(...generations)
    const topic = catalogued?.current.topic ?? leased.find((one) => one.generation === generation && one.topic !== undefined)?.topic
    return {
      feed,
      generation,
      topic: topic ?? null,
      ...(catalogued?.said === undefined ? {} : { said: { ...catalogued.said } }),
      next: catalogued?.next == null ? null : { generation: catalogued.next.generation, topic: catalogued.next.topic },
      partitions: partitionsOf(feed, generation, leased, verdicts, nowMs),
    }
  })
}

/** Of each partition, how old the newest pulse is that any gateway has brought to a probe; `null`: none has. */
function partitionsOf(
  feed: string,
  generation: number,
  leased: readonly { readonly partitions?: readonly number[] }[],
  verdicts: readonly Verdict[],
  nowMs: number,
): { readonly pulseAgeMs: number | null }[] {
  const heard = verdicts.flatMap(({ probe }) => probe?.feeds.get(feed)?.generations.get(generation) ?? [])
  const known = leased.flatMap(({ partitions }) => partitions ?? []).reduce((most, partition) => Math.max(most, partition + 1), 0)
  const count = Math.max(known, ...heard.map(({ partitions }) => partitions))
  return Array.from({ length: count }, (_, partition) => {
    const ages = heard.flatMap(({ pulses }) => pulses.get(partition) ?? []).map(({ heardAtMs, ageMs }) => nowMs - heardAtMs + ageMs)
    return { pulseAgeMs: ages.length === 0 ? null : Math.max(0, Math.round(Math.min(...ages))) }
  })
}

function isThere(state: Verdict['known']['state']): boolean {
  return state === 'live' || state === 'kept'
}
