/** The judgement of one node: a pure function of what the directory, the catalogue and the probe say. */
import { type KnownNode, type LeasedFeed, whenSaid, whoSaid } from '../../directory/index.ts'
import type { HeardFeed, HeardGeneration, ProbeReport } from '../probe/report.ts'
import type { FeedExpectation } from './expectations.ts'
import { isProven, partitionsDue, type PulseLimits } from './proven.ts'
import type { VerdictReason } from './reasons.ts'

/** Places come free, and are taken again, between two beats of a gateway that is full. */
const FULL = 0.98

export interface Finding {
  readonly code: VerdictReason
  /** The feed that it is about; absent: the node as a whole. */
  readonly feed?: string
  /** For people; names the node's part in full. */
  readonly message: string
}

export interface JudgeInput {
  readonly node: KnownNode
  /** The node's probe; only gateways have one. */
  readonly probe: ProbeReport | null
  readonly expectations: ReadonlyMap<string, FeedExpectation>
  readonly limits: PulseLimits
  readonly nowMs: number
}

/** Everything that speaks against the node, gravest first. Nothing: it is to be used. */
export function judge(input: JudgeInput): Finding[] {
  const findings = [...judgeWord(input.node), ...judgeLease(input)]
  if (input.node.lease.role === 'gateway') findings.push(...judgeProbe(input))
  else if (input.node.lease.role === 'push') findings.push(...judgeReading(input))
  return findings
}

function judgeWord({ word, told, lease }: KnownNode): Finding[] {
  if (word === 'offline') return [{ code: 'offline', message: `${whoSaid(told)} took ${lease.node} offline${whenSaid(told)}` }]
  if (word === 'draining') return [{ code: 'draining', message: `${whoSaid(told)} told ${lease.node} to drain${whenSaid(told)}` }]
  return []
}

function judgeLease({ node: { lease, state, word, heardAtMs }, expectations, nowMs }: JudgeInput): Finding[] {
  const findings: Finding[] = []
  if (state === 'expired') {
    findings.push({
      code: 'lease_expired',
      message: `the last beat of ${lease.node} came ${seconds(nowMs - heardAtMs)} ago; a lease lives ${seconds(lease.lifeMs)}`,
    })
  }
  if (state === 'left') findings.push({ code: 'lease_left', message: `${lease.node} said goodbye` })
  if (lease.draining && word !== 'draining') findings.push({ code: 'draining', message: `${lease.node} asks its receivers to move` })
  else if (!lease.ready && !lease.draining)
    findings.push({ code: 'not_ready', message: `${lease.node} says that it takes no new sessions` })
  if (lease.role === 'gateway' && lease.addresses.length === 0)
    findings.push({ code: 'address_missing', message: `the lease of ${lease.node} names no address` })
  for (const leased of lease.feeds) {
    const expected = expectations.get(leased.feed)
    // Of a gateway that is ahead its probe tells more: until the new generation counts, it is good by the pulses of the one before.
    if (lease.role === 'gateway' && leased.generation > (expected?.current ?? Infinity)) continue
    const finding = judgeGeneration(node(lease), leased, expected)
    if (finding !== undefined) findings.push(finding)
  }
  for (const expected of expectations.values()) {
    const finding = judgeDelay(lease, expected)
    if (finding !== undefined) findings.push(finding)
  }
  return findings
}

/** Names whoever was left behind so that it can be found: version and address. */
function node({ node, version, addresses }: KnownNode['lease']): string {
  return `${node} (version ${version}${addresses.length === 0 ? '' : `, ${addresses.join(', ')}`})`
}

function judgeGeneration(who: string, leased: LeasedFeed, expected: FeedExpectation | undefined): Finding | undefined {
  if (expected === undefined || expected.current === null) return undefined
  const { feed, generation, topic } = leased
  const { current, accepted, topics } = expected
  if (!accepted.has(generation)) {
    const retired = named(generation, topic ?? topics.get(generation))
    const unknown = topics.size > 0 ? 'which the catalogue does not know' : 'which no pulses that gateways pass on confirm'
    const what = generation > current ? unknown : 'which is over'
    return {
      code: 'generation_retired',
      feed,
      message: `${who} serves ${feed} ${retired}, ${what}; current is ${named(current, topics.get(current))}`,
    }
  }
  const right = topics.get(generation)
  if (topic !== undefined && right !== undefined && topic !== right)
    return { code: 'topic_differs', feed, message: `${who} reads ${feed} from topic ${topic}; generation ${generation} is on ${right}` }
  return undefined
}

function named(generation: number, topic: string | undefined): string {
  return `generation ${generation}${topic === undefined ? '' : ` (topic ${topic})`}`
}

/** Whose delay is not the one of most. Of as many with the one as with the other nobody knows who is right. */
function judgeDelay(lease: KnownNode['lease'], { feed, delays }: FeedExpectation): Finding | undefined {
  if (delays === undefined || lease.role !== 'push') return undefined
  const all = [...delays]
  const own = all.find(([, nodes]) => nodes.includes(lease.node))
  if (own === undefined || (own === all[0] && own[1].length > all[1]![1].length)) return undefined
  const others = all.filter((one) => one !== own).map(([delayMs, nodes]) => `${nodes.join(', ')} by ${seconds(delayMs)}`)
  const message = `${node(lease)} delays feed ${feed} by ${seconds(own[0])}, ${others.join(', ')}: a gateway takes it from whom it heard of it first, and nothing of it from others. Configure push.delayedFeeds the same on all push nodes`
  return { code: 'delay_differs', feed, message }
}

/** A push node has no probe: what it says of its pulses has to do. */
function judgeReading({ node: { lease, heardAtMs }, limits, nowMs }: JudgeInput): Finding[] {
  return lease.feeds.flatMap(({ feed, pulseAgeMs }): Finding[] => {
    if (pulseAgeMs === null) return [{ code: 'pulse_missing', feed, message: `${lease.node} has read no pulse of ${feed} yet` }]
    if (pulseAgeMs <= limits.pulseAgeMaxMs) return []
    return [
      {
        code: 'pulse_old',
        feed,
        message: `${lease.node} said ${seconds(nowMs - heardAtMs)} ago that its newest pulse of ${feed} was ${seconds(pulseAgeMs)} old`,
      },
    ]
  })
}

// ---- what a probe says

function judgeProbe(input: JudgeInput): Finding[] {
  const { node: known, probe, expectations } = input
  const { lease } = known
  // Without an address there is nothing to probe; that is said already.
  if (lease.addresses.length === 0) return []
  if (probe === null) return [{ code: 'probe_pending', message: `${lease.node} is not probed yet` }]
  const impostor = judgePeer(lease.node, probe)
  if (impostor !== undefined) return [impostor]
  const connection = judgeConnection(input, probe)
  if (connection !== undefined) return [connection]
  const findings = [...expectations.values()].flatMap((expected) => judgeFeed(lease.node, probe, expected, input))
  findings.unshift(...judgeEntry(lease, probe, input.nowMs))
  return findings.length > 0 && probe.state === 'connecting' && probe.failure !== null ? [lost(probe)] : findings
}

function judgePeer(name: string, { peer, address }: ProbeReport): Finding | undefined {
  if (peer === null || (peer.node === name && peer.role === 'gateway')) return undefined
  return { code: 'wrong_node', message: `at ${address}, which ${name} advertises, answers ${peer.node}, a ${peer.role} node` }
}

function judgeConnection({ limits, nowMs }: JudgeInput, probe: ProbeReport): Finding | undefined {
  const { state, address, failure, failures, sinceMs, heardAtMs } = probe
  if (state === 'failed') {
    const attempts = failures === 1 ? 'the last attempt' : `the last ${failures} attempts`
    return { code: 'connect_failed', message: `${attempts} to connect to ${address} failed: ${failure}` }
  }
  if (state === 'connecting') {
    // What was proven before the session was lost stays proven as long as it would have in the session.
    if (probe.peer !== null && nowMs - sinceMs <= limits.pulseHeardWithinMs) return undefined
    if (failure !== null) return lost(probe)
    return { code: 'probe_pending', message: `the probe is connecting to ${address} since ${seconds(nowMs - sinceMs)}` }
  }
  if (nowMs - heardAtMs <= limits.pulseHeardWithinMs) return undefined
  return { code: 'silent', message: `connected to ${address}, but nothing came for ${seconds(nowMs - heardAtMs)}` }
}

/** The session ended, no attempt has failed yet, and what it had proven is too old by now. */
function lost({ address, failure }: ProbeReport): Finding {
  return { code: 'connect_failed', message: `the session of the probe at ${address} was lost: ${failure}` }
}

/**
 * Sessions that are open live on where nobody new gets in. Where nothing comes on these either, the node is frozen, or cut
 * off, which is found by that. That one is full its lease says, and it is the last to be handed out.
 */
function judgeEntry({ node: name, load }: KnownNode['lease'], { entry, address, heardAtMs }: ProbeReport, nowMs: number): Finding[] {
  if (entry === null || nowMs - entry.enteredAtMs <= entry.withinMs) return []
  if (entry.unservedSinceMs === null || heardAtMs <= entry.unservedSinceMs) return []
  if (load.sessionsMax > 0 && load.sessions >= load.sessionsMax * FULL) return []
  const why = entry.failure === null ? '' : `: ${entry.failure}`
  const message = `${name} has let nobody new in at ${address} for ${seconds(nowMs - entry.enteredAtMs)}${why}`
  return [{ code: 'entry_failed', message }]
}

function judgeFeed(name: string, probe: ProbeReport, expected: FeedExpectation, input: JudgeInput): Finding[] {
  const { feed, current, accepted, topics } = expected
  const heard = probe.feeds.get(feed)
  if (heard === undefined) {
    if (probe.state !== 'open') return [{ code: 'probe_pending', feed, message: `no pulse of ${feed} has come from ${name} yet` }]
    return [{ code: 'feed_missing', feed, message: `${name} does not offer feed ${feed}` }]
  }
  const good = [...heard.generations].filter(([generation]) => current === null || accepted.has(generation))
  if (good.some(([, pulses]) => isProven(pulses, input.limits, input.nowMs))) return []
  if (good.length === 0) {
    const now = current === null ? 'unknown' : named(current, topics.get(current))
    const message = `${name} passes on ${feed} ${named(heard.generation, topics.get(heard.generation))}; current is ${now}`
    return [{ code: 'generation_retired', feed, message }]
  }
  return [explain(name, probe, feed, heard, good.at(-1)![1], input)]
}

/** What keeps a feed from being proven. */
function explain(
  name: string,
  probe: ProbeReport,
  feed: string,
  heard: HeardFeed,
  generation: HeardGeneration,
  input: JudgeInput,
): Finding {
  const { limits, nowMs } = input
  const { pulses } = generation
  const partitions = partitionsDue(generation, nowMs)
  const complaint = heard.complaint === null ? '' : `; it says itself: ${heard.complaint}`
  const all = Array.from({ length: partitions }, (_, partition) => ({ partition, pulse: pulses.get(partition) }))
  const missing = all.filter(({ pulse }) => pulse === undefined || nowMs - pulse.heardAtMs > limits.pulseHeardWithinMs)
  if (missing.length > 0 || partitions === 0) {
    const isNew = probe.state !== 'open' || nowMs - probe.sinceMs <= limits.pulseHeardWithinMs
    const which =
      partitions === 0
        ? 'whose partitions it does not know'
        : partitionsOf(
            missing.map(({ partition }) => partition),
            partitions,
          )
    if (isNew) return { code: 'probe_pending', feed, message: `no pulse has come yet of ${feed}, ${which}${complaint}` }
    const lastMs = Math.min(...missing.map(({ pulse }) => pulse?.heardAtMs ?? -Infinity))
    const since = Number.isFinite(lastMs) ? `for ${seconds(nowMs - lastMs)}` : 'at all'
    return {
      code: 'pulse_missing',
      feed,
      message: `${name} passes on no pulse of ${feed}, ${which}, ${since}${complaint}${tooSeldom(probe, limits)}`,
    }
  }
  const old = all.filter(({ pulse }) => pulse!.ageMs > limits.pulseAgeMaxMs)
  const oldestMs = Math.max(...old.map(({ pulse }) => pulse!.ageMs))
  const which = partitionsOf(
    old.map(({ partition }) => partition),
    partitions,
  )
  return { code: 'pulse_old', feed, message: `pulses of ${feed}, ${which}, come ${seconds(oldestMs)} old from ${name}${complaint}` }
}

/** A gateway that grants fewer pulses than the limit needs would flap, and nobody would know why. */
function tooSeldom({ pulseIntervalMs }: ProbeReport, { pulseHeardWithinMs }: PulseLimits): string {
  if (pulseIntervalMs * 2 <= pulseHeardWithinMs) return ''
  return `; it grants a pulse only every ${pulseIntervalMs} ms: raise balancer.pulseHeardWithinMs to twice that, or lower gateway.session.pulseIntervalMs`
}

const PARTITIONS_SHOWN = 8

function partitionsOf(some: readonly number[], all: number): string {
  if (some.length === all) return 'all partitions'
  const shown = some.slice(0, PARTITIONS_SHOWN).join(', ')
  return `partition${some.length === 1 ? '' : 's'} ${shown}${some.length > PARTITIONS_SHOWN ? ` and ${some.length - PARTITIONS_SHOWN} more` : ''}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
