import { TRACE_CODES, type TraceCode } from './codes.ts'
import type { HopFacts, LinkFact, SessionFact, TraceFacts } from './facts.ts'
import { delayTrouble, type LineTrouble, troubleOf, unlinkedTrouble } from './line-health.ts'
import { ago, span } from './words.ts'

export interface Finding {
  readonly code: TraceCode
  /** `broken`: by this alone the user does not see what is new. `degraded`: something else stands in. */
  readonly severity: 'broken' | 'degraded' | 'well'
  /** The node that broke, `client` or `log`. */
  readonly hop: string
  /** What is the matter, in one sentence. */
  readonly sentence: string
  readonly remedy: string
}

/** After how long without an acknowledgement a client that is no stall yet is late. */
const LATE_MS = 1500
/** A record that is younger may just be on its way. */
const ON_ITS_WAY_MS = 1500
/** After how long without a record a symbol is called quiet. */
const QUIET_MS = 10_000

/**
 * What is wrong, the worst first, and at least one finding. A pure function of what the nodes said: what lies nearer to
 * the log explains what lies behind it, and what another line stands in for has broken nothing.
 */
export function judgeTrace(facts: TraceFacts): readonly Finding[] {
  const { gateway } = facts
  if (gateway === null) return [withoutGateway(facts)]
  const findings = [...clientFindings(gateway, facts), ...wayFindings(gateway, facts)]
  const rank = { broken: 0, degraded: 1, well: 2 }
  const sorted = findings.sort((a, b) => rank[a.severity] - rank[b.severity])
  return sorted.some(({ severity }) => severity === 'broken')
    ? sorted
    : [...sorted, wellOf(gateway, facts)].sort((a, b) => rank[a.severity] - rank[b.severity])
}

function finding(severity: Finding['severity'], code: TraceCode, hop: string, sentence: string): Finding {
  return { code, severity, hop, sentence, remedy: TRACE_CODES[code][1] }
}

// ---- nobody has the session

function withoutGateway({ target, askedGateways, unanswered }: TraceFacts): Finding {
  const who = target.session === undefined ? `user ${target.user}` : `session ${target.session}`
  const asked =
    askedGateways.length === 0 ? 'no gateway answered' : `${askedGateways.join(', ')} ${askedGateways.length === 1 ? 'has' : 'have'} none`
  const [silent] = unanswered
  if (silent === undefined) {
    const what = target.session === undefined ? `${who} has no session` : `there is no ${who}`
    return finding('broken', 'user_unknown', 'client', `${what}: ${asked}`)
  }
  const others = unanswered.length === 1 ? '' : `, nor do ${unanswered.length - 1} more`
  return finding(
    'broken',
    'gateway_silent',
    silent.node,
    `${silent.node} does not answer${others}, and ${who} may be there: ${asked}; ${silent.message}`,
  )
}

// ---- the client and its session

function clientFindings(gateway: HopFacts, { target }: TraceFacts): Finding[] {
  const { session, node, feed } = gateway
  if (feed === null)
    return [finding('broken', 'feed_unknown', node, `${node} has no feed ${target.feed}; it has ${gateway.feeds.join(', ') || 'none'}`)]
  // Asked for a symbol alone, without a user.
  if (session === null) return []
  const found = [stallOf(session), subscriptionOf(session, gateway, target.symbol)]
  return found.filter((each) => each !== null)
}

function stallOf(session: SessionFact): Finding | null {
  const { stall, behind, unacknowledgedMs, inFlightBytes, bufferedBytes, windowBytes, due } = session
  const who = `the client ${session.client} at ${session.remote}`
  const waits = `${inFlightBytes} bytes are on their way to it for ${span(unacknowledgedMs)}`
  if (stall === 'zero_window')
    return finding(
      'broken',
      'client_zero_window',
      'client',
      `${who} reads nothing: its window is zero, ${Math.max(bufferedBytes, inFlightBytes)} bytes wait for it, the oldest for ${span(unacknowledgedMs)}`,
    )
  if (stall === 'frozen_peer')
    return finding('broken', 'client_frozen', 'client', `${who} acknowledges nothing though its host takes everything: ${waits}`)
  if (stall === 'half_open')
    return finding('broken', 'client_unreachable', 'client', `not even the host of ${who} acknowledges anything: ${waits}`)
  if (behind)
    return finding(
      'broken',
      'client_slow',
      'client',
      `${who} takes less than it is sent: ${due} updates wait and are conflated, its line carries ${windowBytes} bytes a second at most`,
    )
  if (unacknowledgedMs > LATE_MS) return finding('degraded', 'client_late', 'client', `${who} is late with an acknowledgement: ${waits}`)
  return null
}

function subscriptionOf(
  { subscription, otherFeeds, symbols, receiverSymbols, user }: SessionFact,
  { node, symbol, links, feed }: HopFacts,
  name: string,
): Finding | null {
  if (subscription === null) {
    const refusal = links.find(({ refused }) => refused !== null)
    if (refusal !== undefined)
      return finding('broken', 'subscription_refused', refusal.node, `the push nodes refuse ${name}: ${refusal.refused}`)
    if (receiverSymbols !== null && receiverSymbols > symbols)
      return finding(
        'broken',
        'subscription_lost',
        node,
        `${node} does not know of a subscription to ${name}, and of ${symbols} in all, where the client says that it holds ${receiverSymbols}`,
      )
    const else_ = otherFeeds.length > 0 ? `, but to ${name} of feed ${otherFeeds.join(', ')}` : ` among its ${symbols} symbols`
    return finding(
      'broken',
      'not_subscribed',
      'client',
      `the session${user === '' ? '' : ` of ${user}`} does not subscribe to ${name}${else_}`,
    )
  }
  if (!subscription.answered)
    return finding(
      'broken',
      'subscription_waiting',
      node,
      `${node} has not answered the subscription to ${name}: it is ${symbol?.readiness === 'waiting' ? 'waiting for push nodes' : 'about to'}`,
    )
  if (subscription.due || subscription.behindBy === 0 || subscription.periodMs > 0 || feed?.mode === 'every') return null
  return finding(
    'broken',
    'not_delivered',
    node,
    `${node} holds ${subscription.behindBy} records of ${name} that the session was not sent, and nothing of them is due`,
  )
}

// ---- from the log to the gateway

interface Line {
  readonly node: string
  readonly link: LinkFact | null
  readonly push: HopFacts | undefined
  readonly trouble: LineTrouble | null
}

function wayFindings(gateway: HopFacts, facts: TraceFacts): Finding[] {
  const { node, feed, links, beside, unlinked = [] } = gateway
  if (feed === null) return []
  const lines = linesOf(gateway, facts)
  const carriers = lines.filter(({ link }) => link === null || link.carries)
  const uncovered = uncoveredLines(lines, unlinked, feed.partition)
  if (beside === null && links.length === 0) {
    const none = finding('broken', 'gateway_unlinked', node, `${node} has no link to any push node`)
    return [none, ...uncovered.map(({ code, hop, sentence }) => finding('broken', code, hop, sentence))]
  }
  if (carriers.length === 0) {
    const nobody = `none of ${links.map((link) => link.node).join(', ')} has partition ${feed.partition}`
    const why = uncovered.filter(({ code }) => code !== 'line_uncovered').sort(deepestFirst)
    return [finding('broken', 'no_carrier', node, nobody), ...why.map(({ code, hop, sentence }) => finding('broken', code, hop, sentence))]
  }
  const well = carriers.filter(({ trouble }) => trouble === null)
  const troubles = [...carriers.flatMap(({ trouble }) => trouble ?? []), ...uncovered].sort(deepestFirst)
  const severity = well.length === 0 ? 'broken' : 'degraded'
  const covered =
    well.length === 0 ? '' : `; ${well.map((line) => describe(line)).join(' and ')} ${well.length === 1 ? 'stands' : 'stand'} in`
  const found = troubles.map(({ code, hop, sentence }) => finding(severity, code, hop, `${sentence}${covered}`))
  return well.length === 0 ? found : [...found, ...gatewayFindings(gateway, well, facts)]
}

function linesOf({ links, beside, feed }: HopFacts, { push, unanswered }: TraceFacts): Line[] {
  const of = (name: string) => ({ push: push.find(({ node }) => node === name), failed: unanswered.find(({ node }) => node === name) })
  if (beside !== null) {
    const { push, failed } = of(beside)
    return [{ node: beside, link: null, push, trouble: troubleOf(null, push, failed) }]
  }
  return links.map((link) => {
    const { push, failed } = of(link.node)
    return {
      node: link.node,
      link,
      push,
      trouble: delayTrouble(link, push, feed) ?? disbelieved(link, feed?.generation ?? 0) ?? troubleOf(link, push, failed),
    }
  })
}

function deepestFirst(a: LineTrouble, b: LineTrouble): number {
  return b.depth - a.depth
}

/** Of lines none of whose nodes has the partition: what keeps them from it. The other line serves users meanwhile, without a spare. */
function uncoveredLines(lines: readonly Line[], unlinked: HopFacts['unlinked'] & {}, partition: number): LineTrouble[] {
  const byLine = Map.groupBy(lines, ({ link }) => link?.line ?? '')
  const without = Map.groupBy(unlinked, ({ line }) => line)
  return [...new Set([...byLine.keys(), ...without.keys()])].flatMap((line) => {
    const members = byLine.get(line) ?? []
    if (members.some(({ link }) => link === null || link.carries)) return []
    const troubles = [
      ...members.flatMap(({ trouble }) => (trouble === null || trouble.code === 'push_without_partition' ? [] : [trouble])),
      ...(without.get(line) ?? []).map(unlinkedTrouble),
    ]
    if (troubles.length > 0) return troubles
    const sentence = `no push node of line ${line} has partition ${partition} (asked: ${members.map(({ node }) => node).join(', ')})`
    return [{ depth: 2, code: 'line_uncovered', hop: members[0]!.node, sentence } satisfies LineTrouble]
  })
}

/** Without a catalogue, what the gateway follows is all that tells. */
function disbelieved({ node, line, state, generation }: LinkFact, current: number): LineTrouble | null {
  if (state !== 'open' || generation === null || generation === current) return null
  const why = generation < current ? `which is on ${current}` : `which is on ${current}, and nothing confirms a newer one`
  const sentence = `${node} (line ${line}) serves generation ${generation} of the feed, ${why}: nobody believes it`
  return { depth: 2, code: 'generation_retired', hop: node, sentence }
}

function describe({ node, link }: Line): string {
  return link === null ? node : `${node} (line ${link.line})`
}

/** The push nodes are well; is the gateway? */
function gatewayFindings(gateway: HopFacts, well: readonly Line[], { target }: TraceFacts): Finding[] {
  const { node, session, symbol, feed, beside, fault = null } = gateway
  // Of one process with the push node, it may be the push node's, of another feed.
  if (fault !== null && beside === null) return [finding('broken', 'gateway_stuck', node, `${node} is stuck: ${fault}`)]
  const isWanted = session === null ? (symbol?.subscriptions ?? 0) > 0 : session.subscription !== null
  if (!isWanted || beside !== null) return []
  const links = well.flatMap(({ link }) => (link === null ? [] : [link]))
  const names = well.map((line) => describe(line)).join(' and ')
  if (!links.some(({ holds }) => holds))
    return [
      finding(
        'broken',
        'gateway_not_asking',
        node,
        `${node} holds the subscription to ${target.symbol}, but none of it is in force at ${names}`,
      ),
    ]
  const newest = well.flatMap(({ push }) => (push?.symbol?.position ? [push] : [])).sort((a, b) => b.symbol!.offset - a.symbol!.offset)[0]
  const isBehind =
    newest !== undefined && newest.symbol!.partition === (symbol?.partition ?? -1) && newest.symbol!.offset > (symbol?.offset ?? -1)
  const isMissing = newest !== undefined && (symbol?.position ?? null) === null
  if ((isBehind || isMissing) && newest.symbol!.recordAgeMs > ON_ITS_WAY_MS) {
    const held = symbol?.position ?? 'nothing'
    return [
      finding(
        'broken',
        'gateway_behind',
        node,
        `${node} holds ${held} of ${target.symbol}, ${newest.node} has had ${newest.symbol!.position} for ${span(newest.symbol!.recordAgeMs)}`,
      ),
    ]
  }
  if (!links.some(({ covered }) => covered))
    return [finding('degraded', 'gateway_resyncing', node, `${node} waits for the image of ${target.symbol} from ${names}`)]
  if (feed?.stale != null)
    return [
      finding(
        'broken',
        'pulses_late',
        node,
        `${node} says that the partition is stale for ${span(feed.stale.forMs)} (${feed.stale.message}), though ${names} ${well.length === 1 ? 'is' : 'are'} fresh`,
      ),
    ]
  return []
}

// ---- nothing is broken

function wellOf(gateway: HopFacts, { target, push }: TraceFacts): Finding {
  const { node, symbol, feed } = gateway
  const pulse = feed?.pulse
  const late = feed?.delay == null ? '' : `; feed ${target.feed} shows ${feed.delay.of} as it was ${span(feed.delay.delayMs)} ago`
  const fresh = `${pulse == null ? '' : `; the newest pulse is ${span(pulse.ageMs)} old at ${node}`}${late}`
  const known = symbol?.position != null ? symbol : (push.find(({ symbol }) => symbol?.position != null)?.symbol ?? null)
  if (known === null) {
    const full = push.find(({ feed }) => feed !== null && feed.symbolsHeld >= feed.symbolsMax)
    if (full !== undefined)
      return finding(
        'broken',
        'feed_full',
        full.node,
        `${full.node} holds ${full.feed!.symbolsHeld} symbols, as many as it may, and ${target.symbol} is not among them`,
      )
    return finding(
      'well',
      'symbol_unknown',
      'log',
      `no record of ${target.symbol} is known to ${push.map((each) => each.node).join(', ') || node}${fresh}`,
    )
  }
  if (known.deleted)
    return finding('well', 'symbol_deleted', 'log', `${target.symbol} was deleted in the log ${ago(known.recordAgeMs)}${fresh}`)
  if (known.recordAgeMs > QUIET_MS)
    return finding(
      'well',
      'symbol_quiet',
      'log',
      `no record of ${target.symbol} for ${span(known.recordAgeMs)}${fresh}, so nothing was missed`,
    )
  const last = `the last record of ${target.symbol}, ${span(known.recordAgeMs)} old,`
  if (symbol?.position != null) return finding('well', 'all_well', node, `${last} is at ${node}${fresh}`)
  const at = push.filter(({ symbol }) => symbol?.position != null).map((each) => each.node)
  return finding('well', 'all_well', node, `${last} is at ${at.join(', ')}; nobody at ${node} subscribes to it${fresh}`)
}
