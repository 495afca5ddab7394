import type { Timer, Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { MoveReason, Sessions } from '../session/index.ts'

/** Another gateway that takes sessions now: of the same zone and track, leased, and not draining. */
export interface GatewayPeer {
  readonly node: string
  /** What it said last. */
  readonly sessions: number
  /** Where clients reach it, best first. */
  readonly addresses: readonly string[]
}

/** The other gateways, as whoever keeps the leases sees them at this moment. */
export type Peers = () => readonly GatewayPeer[]

/** Addresses that a client is given at most: enough that one of them works, few enough for a small frame. */
const ADDRESSES_MAX = 3
/** Longer than a lease takes to tell what became of the last move. */
const LOOK_INTERVAL_MS = 5_000
/** As long as no gateway is off the mean by more than this, nobody is moved. */
const TOLERANCE = 0.1
const SESSIONS_MIN = 20
/** Looks in a row that must find too many: peers that are just starting have few sessions for a moment. */
const LOOKS = 3
/** Of what is too many, the part that is moved at once: others look at the same figures. */
const SHARE = 0.5

/**
 * Sees to it that the load of gateways evens out by itself, after a rolling restart for one: where some have clearly more
 * or less than the mean, those above it ask a part of their clients to move, at the pace of a drain (docs/decisions/0011).
 */
export class Balance {
  readonly #peers: Peers
  readonly #random: () => number
  readonly #log: Logger
  readonly #timer: Timer
  #sessions: Sessions | null = null
  #looks = 0

  constructor(options: { readonly clock: Clock; readonly random: () => number; readonly log: Logger; readonly peers: Peers }) {
    this.#peers = options.peers
    this.#random = options.random
    this.#log = options.log
    this.#timer = options.clock.every(LOOK_INTERVAL_MS, () => this.#look())
  }

  attach(sessions: Sessions): void {
    this.#sessions = sessions
  }

  close(): void {
    this.#timer.cancel()
  }

  /**
   * Where one client could go. Drawn for each anew, so that all get their part of a crowd: when this node drains, the
   * less loaded of two; when it has too many, those below the mean, by how much each lacks.
   */
  elsewhere(why: MoveReason): readonly string[] {
    const left = this.#peers().filter(({ addresses }) => addresses.length > 0)
    const mean = this.#mean()
    const chosen: string[] = []
    while (left.length > 0 && chosen.length < ADDRESSES_MAX) {
      const index = why === 'draining' ? this.#lesserOfTwo(left) : this.#neediest(left, mean)
      const [best] = left.splice(index, 1)
      chosen.push(best!.addresses[0]!)
    }
    return chosen
  }

  #lesserOfTwo(peers: readonly GatewayPeer[]): number {
    const a = Math.floor(this.#random() * peers.length)
    const b = Math.floor(this.#random() * peers.length)
    return peers[b]!.sessions < peers[a]!.sessions ? b : a
  }

  #neediest(peers: readonly GatewayPeer[], mean: number): number {
    const lacking = peers.map(({ sessions }) => Math.max(0, mean - sessions))
    let at = this.#random() * lacking.reduce((sum, each) => sum + each, 0)
    const index = lacking.findIndex((each) => (at -= each) < 0)
    return index >= 0 ? index : this.#lesserOfTwo(peers)
  }

  #look(): void {
    const excess = this.#excess()
    this.#looks = excess > 0 ? this.#looks + 1 : 0
    if (this.#looks < LOOKS || this.#sessions === null || this.#sessions.shedding > 0) return
    const count = Math.ceil(excess * SHARE)
    this.#log.info('rebalance', `this node has ${excess} sessions more than the mean of its peers: ${count} are asked to move`, {
      sessions: this.#sessions.size,
    })
    this.#sessions.shed(count)
  }

  /** Sessions above the mean of all; 0 while nobody is far from it. */
  #excess(): number {
    const mean = this.#mean()
    const own = this.#sessions?.size ?? 0
    const farthest = Math.max(...[own, ...this.#peers().map(({ sessions }) => sessions)].map((each) => Math.abs(each - mean)))
    return farthest > Math.max(SESSIONS_MIN, mean * TOLERANCE) ? Math.max(0, Math.floor(own - mean)) : 0
  }

  #mean(): number {
    const peers = this.#peers()
    return peers.reduce((sum, { sessions }) => sum + sessions, this.#sessions?.size ?? 0) / (peers.length + 1)
  }
}
