/** Very many clients of the SDK in a process of their own, looked at once a second. */
import { useLightNetwork } from '../../support/light-network.ts'
import { steadyMs } from '../../support/steady.ts'
import { StallWatch } from '../rig/stall-watch.ts'
import type { SecondCount } from './ledger.ts'
import { Member } from './member.ts'
import { RecentTruth, type TruthPoint } from './recent-truth.ts'

export interface SoakOrder {
  readonly clients: number
  /** Index of the first; they go on from there. */
  readonly first: number
  readonly balancer: readonly string[]
  readonly gatewaysRenewMs: number
  readonly symbols: { readonly quote: readonly string[]; readonly trade: readonly string[] }
  /** So many begin each second. */
  readonly perSecond: number
  /** How old the truth behind a live view may be. */
  readonly truthAgeMaxMs: number
}

/** `begin`: seconds count from now. */
export interface SoakQuestion {
  readonly ask: 'begin' | 'report'
}

export interface SoakReport {
  readonly live: number
  /** Since the last report. */
  readonly seconds: readonly SecondCount[]
  readonly gaps: number
  readonly wrong: number
  /** The first few. */
  readonly wrongMessages: readonly string[]
}

const LOOK_EVERY_MS = 1_000
/** A process that stood still for longer within the time that the truth may be old cannot tell whose fault it is. */
const SOUND_STALL_MS = 400
const WRONG_TOLD_MAX = 10
const BEGIN_EVERY_MS = 50

function main(order: SoakOrder): void {
  const members: Member[] = []
  const truth = new RecentTruth(order.truthAgeMaxMs + 2 * LOOK_EVERY_MS)
  const stalls = new StallWatch()
  const wrongMessages: string[] = []
  let wrong = 0
  let seconds: SecondCount[] = []
  let isCounting = false

  const start = setInterval(() => {
    for (let i = 0; i < (order.perSecond * BEGIN_EVERY_MS) / 1000 && members.length < order.clients; i++) {
      members.push(new Member(memberOptions(order, order.first + members.length), noteWrong))
    }
    if (members.length >= order.clients) clearInterval(start)
  }, BEGIN_EVERY_MS)

  function noteWrong(message: string): void {
    wrong++
    if (wrongMessages.length < WRONG_TOLD_MAX) wrongMessages.push(message)
  }

  function look(): void {
    const atMs = steadyMs()
    const known = truth.at(atMs - order.truthAgeMaxMs)
    const flagged: Record<string, number> = {}
    const said: Record<string, number> = {}
    let lied = 0
    for (const member of members) {
      const seen = member.seen(known)
      if (seen === 'lied') lied++
      if (seen !== 'flagged') continue
      count(flagged, member.liveAt)
      count(said, member.complaint)
    }
    const sinceMs = atMs - order.truthAgeMaxMs - LOOK_EVERY_MS
    const isVoid = stalls.stalls.some(({ fromMs, untilMs }) => untilMs > sinceMs && untilMs - fromMs > SOUND_STALL_MS)
    seconds.push({ atMs, clients: members.length, flagged, said, lied, isVoid })
  }
  setInterval(() => isCounting && look(), LOOK_EVERY_MS)

  process.on('message', (message: SoakQuestion | { readonly truth: TruthPoint }) => {
    if ('truth' in message) return truth.add(message.truth)
    if (message.ask === 'begin') isCounting = true
    const live = members.filter((member) => member.isLive).length
    const gaps = members.reduce((sum, member) => sum + member.gaps, 0)
    process.send!({ live, seconds, gaps, wrong, wrongMessages } satisfies SoakReport)
    seconds = []
  })
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}

/** Two symbols of the feed that is conflated, one of the other; one client in four reads JSON. */
function memberOptions({ balancer, gatewaysRenewMs, symbols: { quote, trade } }: SoakOrder, index: number) {
  const quotes = [quote[index % quote.length]!, quote[(index * 7 + 1) % quote.length]!]
  return {
    name: `soak-${index}`,
    balancer,
    gatewaysRenewMs,
    encoding: index % 4 === 3 ? ('json' as const) : ('bin' as const),
    quotes: [...new Set(quotes)],
    trades: [trade[index % trade.length]!],
  }
}

useLightNetwork()
process.once('message', main)
// Nobody is left to tell.
process.once('disconnect', () => process.exit())
