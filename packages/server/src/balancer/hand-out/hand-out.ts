import type { Clock } from '../../runtime/clock.ts'
import type { Degradation, Track, Verdict } from '../verdict/verdict-book.ts'
import { Admission, type AdmissionLimits } from './admission.ts'
import { choose, type Choice } from './choose.ts'
import { HandedOut } from './handed-out.ts'
import { ZonePools } from './pools.ts'

export interface HandOutLimits extends AdmissionLimits {
  readonly gatewaysMax: number
}

export interface Question {
  readonly zone?: string
  readonly track: Track
  /** A gateway has just refused it. */
  readonly refused?: boolean
}

export interface HandedGateway {
  readonly node: string
  readonly address: string
  readonly zone: string
}

export interface HandOutAnswer {
  /** Best first. */
  readonly gateways: readonly HandedGateway[]
  /** When to connect to the first of them, from now. */
  readonly connectAfterMs: number
  readonly degradations: readonly Degradation[]
}

/** What the hand-out is made from. */
export interface Offer {
  /** The same list as before as long as nothing in it has changed. */
  usable(track: Track): readonly Verdict[]
  degradations(track: Track): readonly Degradation[]
  /** Balancers that live, this one included. */
  balancers(): number
}

/** A gateway whose event loop is busy for more than this part of the time counts as fuller than its sessions say. */
const BUSY_FROM = 0.8
/** A gateway that has just refused somebody has a crowd at its door that nobody sent; whoever is sent there comes after it. */
const CROWD_MS = 1000
const SWEEP_INTERVAL_MS = 5000
/**
 * A gateway whose next pulse is overdue by half an interval is not disproved yet, and may be one of a zone that is cut off:
 * it comes after all others, as a full one does, so that no row is made at a door that is gone.
 */
const OVERDUE_PULSES = 1.5
const OVERDUE_LOAD = 2

interface Gateway extends Choice {
  readonly node: string
  readonly verdict: Verdict
}

const zoneOf = ({ known }: Verdict): string => known.lease.zone

/** Gives each client a few gateways: near, not loaded, and not all at the same moment. */
export class HandOut {
  /** Answers since the start: of proven gateways, of the best there are, of nobody. */
  readonly answers = { proven: 0, degraded: 0, none: 0 }
  readonly #offer: Offer
  readonly #limits: HandOutLimits
  readonly #clock: Clock
  readonly #random: () => number
  readonly #admission: Admission
  readonly #handedOut = new Map<string, HandedOut>()
  readonly #pools: Readonly<Record<Track, ZonePools<Verdict>>> = { stable: new ZonePools(zoneOf), grey: new ZonePools(zoneOf) }
  #sweptAtMs: number

  constructor(offer: Offer, limits: HandOutLimits, clock: Clock, random: () => number) {
    this.#offer = offer
    this.#limits = limits
    this.#clock = clock
    this.#random = random
    this.#admission = new Admission(limits, random)
    this.#sweptAtMs = clock.nowMs()
  }

  answer({ zone, track, refused }: Question): HandOutAnswer {
    const nowMs = this.#clock.nowMs()
    this.#sweep(nowMs)
    const pools = this.#pools[track].of(this.#offer.usable(track), zone)
    const chosen = choose(pools, this.#limits.gatewaysMax, (verdict) => this.#weigh(verdict, nowMs), this.#random)
    const degradations = this.#offer.degradations(track)
    this.answers[chosen.length === 0 ? 'none' : degradations.length > 0 ? 'degraded' : 'proven']++
    return {
      gateways: chosen.map(({ node, verdict }) => ({ node, address: verdict.known.lease.addresses[0]!, zone: zoneOf(verdict) })),
      connectAfterMs: Math.round(this.#send(chosen[0], refused === true, nowMs)),
      degradations,
    }
  }

  /** Sends a client to the gateway. @returns how long it is to wait before. */
  #send(to: Gateway | undefined, wasRefused: boolean, nowMs: number): number {
    if (to === undefined) return 0
    const leadMs = wasRefused && this.#limits.connectionsPerSecond > 0 ? CROWD_MS : 0
    const waitMs = leadMs + this.#admission.take(to.node, nowMs, this.#offer.balancers())
    this.#handedOutTo(to.node).add(nowMs + waitMs)
    return waitMs
  }

  #weigh(verdict: Verdict, nowMs: number): Gateway {
    const { lease, heardAtMs } = verdict.known
    const { sessions, sessionsMax, busy } = lease.load
    const pending = this.#handedOut.get(lease.node)?.pending(lease.incarnation, heardAtMs, nowMs) ?? 0
    const load = (sessions + pending) / Math.max(1, sessionsMax)
    return {
      node: lease.node,
      verdict,
      // Busy and almost full must not look full: a full one is only taken for want of better.
      load: isOverdue(verdict, nowMs) ? load + OVERDUE_LOAD : load >= 1 ? load : Math.min(0.999, load + Math.max(0, busy - BUSY_FROM)),
      waitMs: this.#admission.waitMs(lease.node, nowMs),
    }
  }

  #handedOutTo(node: string): HandedOut {
    let handedOut = this.#handedOut.get(node)
    if (handedOut === undefined) this.#handedOut.set(node, (handedOut = new HandedOut()))
    return handedOut
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_INTERVAL_MS) return
    this.#sweptAtMs = nowMs
    const usable = new Set([...this.#offer.usable('stable'), ...this.#offer.usable('grey')].map(({ node }) => node))
    this.#admission.keepOnly(usable)
    for (const node of this.#handedOut.keys()) if (!usable.has(node)) this.#handedOut.delete(node)
  }
}

/** By its probe, as of now and not as of the last judgement. */
function isOverdue({ probe }: Verdict, nowMs: number): boolean {
  return probe !== null && (probe.state !== 'open' || nowMs - probe.heardAtMs > OVERDUE_PULSES * probe.pulseIntervalMs)
}
