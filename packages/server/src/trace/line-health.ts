import type { FeedFact, HopFacts, LinkFact, LogFact, Unanswered, UnlinkedFact } from './facts.ts'
import type { TraceCode } from './codes.ts'
import { ago, span } from './words.ts'

/** What is wrong with one way from the log to the gateway; the nearer to the log, the sooner it counts. */
export interface LineTrouble {
  readonly code: TraceCode
  readonly hop: string
  readonly sentence: string
  /** 3: the log, 2: the push node, 1: the link. */
  readonly depth: 1 | 2 | 3
}

/** Of one push node: `null` when all is well from the log to the gateway. */
export function troubleOf(link: LinkFact | null, push: HopFacts | undefined, failed: Unanswered | undefined): LineTrouble | null {
  const broken = link === null ? null : linkTrouble(link)
  if (broken !== null) return broken
  if (push !== undefined) return pushTrouble(push)
  if (link === null) return failed === undefined ? null : at(2, 'push_silent', failed.node, failed.message)
  if (failed?.code === 'ask_no_answer' || failed?.code === 'ask_link_lost')
    return at(2, 'push_silent', link.node, `${link.node} (line ${link.line}) is frozen or blocked: ${failed.message}`)
  return unasked(link, failed)
}

/** Of a node that is heard and well, and whose delay is not what the gateway shows. */
export function delayTrouble({ node, line, state }: LinkFact, push: HopFacts | undefined, shown: FeedFact | null): LineTrouble | null {
  const [own, gateways] = [push?.feed?.delay, shown?.delay]
  // A version that says nothing of it.
  if (state !== 'open' || own === undefined || gateways === undefined || own?.delayMs === gateways?.delayMs) return null
  const sentence = `${node} (line ${line}) shows the feed ${lateness(own)}, its gateway ${lateness(gateways)}: nothing is taken of it from there`
  return at(2, 'delay_differs', node, sentence)
}

function lateness(delay: FeedFact['delay']): string {
  return delay == null ? 'without a delay' : `with a delay of ${span(delay.delayMs)}`
}

function linkTrouble({ node, address, line, state, stall, why }: LinkFact): LineTrouble | null {
  if (state === 'open') return null
  const who = `${node} (line ${line}, ${address})`
  if (stall === 'half_open') return at(1, 'push_unreachable', node, `not even the host of ${who} acknowledges anything: ${why}`)
  if (stall !== null) return at(2, 'push_silent', node, `${who} is frozen or blocked: ${why}`)
  return at(1, 'push_down', node, `${who} cannot be connected to: ${why}`)
}

/** Of a node that its gateway has turned away from. */
export function unlinkedTrouble({ node, line, address, state, why, silentMs }: UnlinkedFact): LineTrouble {
  const who = `${node} (line ${line}, ${address})`
  if (state === 'expired')
    return at(2, 'push_gone', node, `${who} is frozen, gone or cut off: it has not beaten for ${span(silentMs)}, ${why}`)
  if (state === 'stuck') return at(2, 'push_stuck', node, `${who} is not linked to, because ${why}`)
  if (state === 'retired') return at(2, 'generation_retired', node, `${who} is not believed, because ${why}`)
  return at(2, 'line_uncovered', node, `no push node of line ${line} serves: ${who} is not linked to, because ${why}`)
}

/** What can be said of a node that answers nothing itself. */
function unasked({ node, line, notice, pulse }: LinkFact, failed: Unanswered | undefined): LineTrouble | null {
  if (notice !== null) return at(3, staleCode(notice.reason) ?? 'push_silent', notice.hop, notice.message)
  if (pulse !== null) return null
  return at(
    1,
    'push_unasked',
    node,
    `${node} (line ${line}) sends no pulse and takes no questions${failed === undefined ? '' : `: ${failed.message}`}`,
  )
}

function pushTrouble({ node, feed, log, fault }: HopFacts): LineTrouble | null {
  if (feed === null || log === null) return at(2, 'push_without_feed', node, `${node} has no such feed`)
  const { catalogued, generation, topic } = log
  if (catalogued !== null && catalogued.generation > generation) {
    const why = log.pinned ? 'it is pinned' : 'it does not follow the catalogue'
    return at(
      2,
      'generation_retired',
      node,
      `${node} reads generation ${generation} (${topic}), but the feed is on ${catalogued.generation} (${catalogued.topic}): ${why}`,
    )
  }
  return logTrouble(node, feed, log, fault ?? null)
}

function logTrouble(node: string, feed: FeedFact, log: LogFact, fault: string | null): LineTrouble | null {
  const place = `${log.topic}/${feed.partition}`
  if (log.trouble !== null) {
    const code = staleCode(log.trouble.reason)
    if (code !== undefined)
      return at(code === 'reader_stalled' ? 2 : 3, code, code === 'reader_stalled' ? node : 'log', `${node}: ${log.trouble.message}`)
  }
  if (!log.reads) return at(2, log.warm ? 'push_without_partition' : 'push_warming', node, `${node} does not read ${place}`)
  if (feed.stale === null && isFresh(feed)) return null
  if (fault !== null) return at(2, 'push_stuck', node, `${node} is stuck: ${fault}`)
  // Whoever cannot even be asked where it ends is not read either.
  if (log.unreachable !== null) return at(3, 'log_unreachable', 'log', `${node} cannot ask the log where ${place} ends: ${log.unreachable}`)
  if (feed.stale?.reason === 'unproven')
    return at(3, 'pulse_writers_gone', 'log', `records of ${place} reach ${node} but no pulses: no pulse writer is running`)
  if (!log.warm) return at(2, 'push_warming', node, `${node} is reading ${log.topic} in`)
  if (feed.stale === null) return null
  if (log.end !== null && log.end > log.next)
    return at(
      2,
      'push_behind',
      node,
      `${node} has read ${place} up to ${log.next}, it ends at ${log.end}: ${log.end - log.next} records are missing`,
    )
  if (feed.stale.reason === 'lagging') return at(3, 'pulses_late', 'log', `pulses of ${place} reach ${node} too old: ${feed.stale.message}`)
  if (log.otherPulses > 0 && feed.pulse === null) {
    return at(
      2,
      'generation_retired',
      node,
      `${node} reads ${log.topic} as generation ${log.generation}, but its pulses are of another: it reads the wrong topic, or has the wrong generation`,
    )
  }
  if (feed.stale.reason === 'reader_stalled') return at(2, 'reader_stalled', node, `${node}: ${feed.stale.message}`)
  const last = log.recordAgoMs === null ? 'none since the start' : `the last record ${ago(log.recordAgoMs)}`
  return at(
    3,
    'topic_silent',
    'log',
    `${node} has read ${place} to its end (${log.end ?? log.next}), and nothing is written to it: no pulse, ${last}`,
  )
}

function isFresh({ pulse, staleAfterMs }: FeedFact): boolean {
  return pulse !== null && pulse.ageMs <= staleAfterMs
}

/** The finding that a stale reason stands for by itself. */
export function staleCode(reason: string): TraceCode | undefined {
  return {
    log_unreachable: 'log_unreachable',
    topic_missing: 'topic_missing',
    topic_recreated: 'topic_recreated',
    reader_stalled: 'reader_stalled',
    unproven: 'pulse_writers_gone',
    lagging: 'pulses_late',
    warming: 'push_warming',
  }[reason] as TraceCode | undefined
}

function at(depth: LineTrouble['depth'], code: TraceCode, hop: string, sentence: string): LineTrouble {
  return { depth, code, hop, sentence }
}
