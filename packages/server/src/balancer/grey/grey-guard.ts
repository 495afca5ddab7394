import type { GreyPolicy } from '../../directory/index.ts'
import type { TrackFigures } from './track-figures.ts'

/** By how much the grey track may be worse than the stable one. */
export interface GreyBounds {
  readonly freshnessMs: number
  readonly latencyMs: number
  /** Per 1,000 sessions and minute. */
  readonly errorRate: number
  readonly disconnectRate: number
}

export interface GreyGuardLimits {
  readonly bounds: GreyBounds
  /** Worse for so long without a pause: then the release is stopped. */
  readonly holdMs: number
  /** Looks, one a second, that both tracks must have had since the release was set. */
  readonly looksMin: number
  /** Of errors and disconnects: fewer say nothing, whatever rate they make. */
  readonly eventsMin: number
}

/** One thing in which grey is worse than it may be. */
export interface Worse {
  readonly measure: keyof GreyBounds
  /** For people, with both figures and the bound. */
  readonly message: string
  /** Since when without a pause. */
  readonly sinceMs: number
}

/** Once worse, it counts as worse until it is back below this part of the bound: around a bound nothing flickers. */
const RELEASED_AT = 0.8

interface Excess {
  /** Grey above stable. */
  readonly excess: number
  readonly message: string
}

/**
 * Decides whether a grey release is to be stopped. A release is stopped once: it stays so until an operator sets another, and
 * that one is judged by what is seen after it.
 */
export class GreyGuard {
  readonly #limits: GreyGuardLimits
  readonly #since = new Map<keyof GreyBounds, number>()
  #release: number | null = null
  #setAtMs = -Infinity
  /** By its measure, what is worse now. */
  worse: readonly Worse[] = []

  constructor(limits: GreyGuardLimits) {
    this.#limits = limits
  }

  /** Since when the release counts, by this balancer's clock; the figures before say nothing of it. */
  get setAtMs(): number {
    return this.#setAtMs
  }

  /** There is a release that may have to be stopped. */
  get isOn(): boolean {
    return this.#release !== null
  }

  /** Takes notice of what operators say. */
  follow(policy: GreyPolicy | null, nowMs: number): void {
    const release = policy === null || policy.stopped !== null ? null : policy.release.atMs
    if (release === this.#release) return
    this.#release = release
    this.#setAtMs = release === null ? -Infinity : nowMs
    this.#since.clear()
    this.worse = []
  }

  /** Nothing can be told now: what was worse has to be so anew. */
  pause(): void {
    this.#since.clear()
    this.worse = []
  }

  /** @returns why the release is to be stopped; `null`: it is not. */
  judge(stable: TrackFigures, grey: TrackFigures, nowMs: number): string | null {
    const { bounds, holdMs, looksMin } = this.#limits
    if (this.#release === null) return null
    if (Math.min(stable.looks, grey.looks) < looksMin || stable.gateways === 0 || grey.gateways === 0) {
      this.pause()
      return null
    }
    const worse: Worse[] = []
    for (const [measure, { excess, message }] of this.#compare(stable, grey)) {
      const since = this.#since.get(measure)
      if (!(excess > bounds[measure] * (since === undefined ? 1 : RELEASED_AT))) this.#since.delete(measure)
      else {
        this.#since.set(measure, since ?? nowMs)
        worse.push({ measure, message, sinceMs: since ?? nowMs })
      }
    }
    this.worse = worse
    const ripe = worse.filter(({ sinceMs }) => nowMs - sinceMs >= holdMs)
    return ripe.length === 0
      ? null
      : ripe.map(({ message, sinceMs }) => `${message}, for ${Math.round((nowMs - sinceMs) / 1000)} s`).join('; ')
  }

  *#compare(stable: TrackFigures, grey: TrackFigures): Iterable<[keyof GreyBounds, Excess]> {
    const { bounds, eventsMin } = this.#limits
    const ms = (what: string, of: 'freshnessMs' | 'latencyMs'): Excess => {
      const [mine, theirs] = [grey[of], stable[of]]
      if (mine === null || theirs === null) return { excess: -Infinity, message: '' }
      return {
        excess: mine - theirs,
        message: `${what} is ${Math.round(mine)} ms, stable has ${Math.round(theirs)} ms, ${bounds[of]} ms more is allowed`,
      }
    }
    const rate = (what: string, of: 'errorRate' | 'disconnectRate', count: number): Excess => ({
      excess: count < eventsMin ? -Infinity : grey[of] - stable[of],
      message: `${what} per 1,000 sessions and minute are ${grey[of].toFixed(1)}, stable has ${stable[of].toFixed(1)}, ${bounds[of]} more are allowed`,
    })
    yield ['freshnessMs', ms('the delay of pulses at grey', 'freshnessMs')]
    yield ['latencyMs', ms('the latency of updates at grey', 'latencyMs')]
    yield ['errorRate', rate('sessions that grey ended by a fault of its own', 'errorRate', grey.errors)]
    yield ['disconnectRate', rate('connections that grey lost', 'disconnectRate', grey.disconnects)]
  }
}
