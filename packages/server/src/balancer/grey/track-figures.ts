import type { LeasedService } from '../../directory/index.ts'
import type { Track, Verdict } from '../verdict/verdict-book.ts'

/** How the gateways of one track did over the window. */
export interface TrackFigures {
  readonly track: Track
  /** Gateways that have a lease now. */
  readonly gateways: number
  readonly sessions: number
  /** Looks at the track in the window, one a second: what the figures rest on. */
  readonly looks: number
  /**
   * Mean delay of pulses from the log to the balancer's own probes, of each gateway the partition where it is longest, and how
   * long one is overdue; `null`: nothing was heard. Not the age of what a probe holds: that depends on when in the second its
   * connection has its turn, and two gateways that are equally good could differ by a whole interval for ever.
   */
  readonly freshnessMs: number | null
  /** Mean time of a record until it is sent, by the gateways' own clocks; `null`: nothing was sent. */
  readonly latencyMs: number | null
  /** Sessions that a fault of the gateway ended, per 1,000 sessions and minute. */
  readonly errorRate: number
  /** Sessions that ended although neither side meant it, per 1,000 sessions and minute. */
  readonly disconnectRate: number
  /** What these two rest on. */
  readonly errors: number
  readonly disconnects: number
}

interface Look {
  readonly atMs: number
  readonly gateways: number
  readonly sessions: number
  readonly freshnessMs: number | null
  readonly service: LeasedService
}

/** Between two looks: rates are made of sessions by it. */
export const LOOK_INTERVAL_MS = 1000
const NONE: LeasedService = { opened: 0, disconnects: 0, errors: 0, latencyCount: 0, latencySumMs: 0 }
const MEMBERS = Object.keys(NONE) as (keyof LeasedService)[]

/** What looks at the gateways of a track, one a second, have seen in the last of them. */
export class TrackBook {
  readonly #track: Track
  readonly #windowMs: number
  readonly #heardWithinMs: number
  readonly #looks: Look[] = []
  /** What each gateway had counted at the last look, by node and incarnation. */
  #counted = new Map<string, LeasedService>()

  /** @param heardWithinMs a pulse is overdue when none came for so long. */
  constructor(track: Track, windowMs: number, heardWithinMs: number) {
    this.#track = track
    this.#windowMs = windowMs
    this.#heardWithinMs = heardWithinMs
  }

  look(verdicts: Iterable<Verdict>, nowMs: number): void {
    const gateways = [...verdicts].filter(
      ({ role, known: { lease, state } }) => role === 'gateway' && lease.track === this.#track && state !== 'left',
    )
    const delays = gateways.flatMap((verdict) => delayMs(verdict, nowMs, this.#heardWithinMs) ?? [])
    this.#looks.push({
      atMs: nowMs,
      gateways: gateways.length,
      sessions: gateways.reduce((sum, { known }) => sum + known.lease.load.sessions, 0),
      freshnessMs: delays.length === 0 ? null : mean(delays),
      service: this.#news(gateways),
    })
    while (this.#looks[0]!.atMs <= nowMs - this.#windowMs) this.#looks.shift()
  }

  /** @param sinceMs what was before does not count. */
  figures(sinceMs = -Infinity): TrackFigures {
    const looks = this.#looks.filter(({ atMs }) => atMs >= sinceMs)
    const last = looks.at(-1)
    const sum = (member: keyof LeasedService) => looks.reduce((total, { service }) => total + service[member], 0)
    const fresh = looks.flatMap(({ freshnessMs }) => freshnessMs ?? [])
    const sessionMinutes = (looks.reduce((total, { sessions }) => total + sessions, 0) / 1000) * (LOOK_INTERVAL_MS / 60_000)
    const rate = (count: number) => (sessionMinutes === 0 ? 0 : count / sessionMinutes)
    return {
      track: this.#track,
      gateways: last?.gateways ?? 0,
      sessions: last?.sessions ?? 0,
      looks: looks.length,
      freshnessMs: fresh.length === 0 ? null : mean(fresh),
      latencyMs: sum('latencyCount') === 0 ? null : sum('latencySumMs') / sum('latencyCount'),
      errorRate: rate(sum('errors')),
      disconnectRate: rate(sum('disconnects')),
      errors: sum('errors'),
      disconnects: sum('disconnects'),
    }
  }

  /** What gateways have counted since the last look; of one that was not known then, nothing. */
  #news(gateways: readonly Verdict[]): LeasedService {
    const counted = new Map<string, LeasedService>()
    const news = { ...NONE }
    for (const { node, known } of gateways) {
      const { service, incarnation } = known.lease
      if (service === undefined) continue
      const key = `${node} ${incarnation}`
      counted.set(key, service)
      const before = this.#counted.get(key)
      if (before !== undefined) for (const member of MEMBERS) news[member] += Math.max(0, service[member] - before[member])
    }
    this.#counted = counted
    return news
  }
}

/** Of the feed and partition where it is longest. `undefined`: the probe has heard none yet. */
function delayMs({ probe }: Verdict, nowMs: number, heardWithinMs: number): number | undefined {
  const delays = [...(probe?.feeds.values() ?? [])].flatMap(({ generation, generations }) =>
    [...(generations.get(generation)?.pulses.values() ?? [])].map((pulse) => {
      const overdueMs = nowMs - pulse.heardAtMs - heardWithinMs
      return pulse.delayMs + Math.max(0, overdueMs)
    }),
  )
  return delays.length === 0 ? undefined : Math.max(...delays)
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}
