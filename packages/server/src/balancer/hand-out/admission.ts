/** Of the rate that a gateway takes, the part that is given away: the rest is for clients that come without being sent. */
const HEADROOM = 0.8
/** Where more clients ask than can be let in, the last ones come anywhere within this part of the longest wait. */
const SATURATED_FROM = 0.5
/**
 * A gateway at whose door nobody has been takes as many at once as it takes in this time, and the row begins behind them.
 * They wait in its socket instead of at home, and it lets them in one after the other all the same; for the sessions that
 * it has, pulses may come later by as much, which is well within their bound.
 */
const AT_ONCE_MS = 1000

export interface AdmissionLimits {
  /** New sessions per second that a gateway takes; 0: no pacing. */
  readonly connectionsPerSecond: number
  /** The longest wait that a client is told, in ms. */
  readonly waitMaxMs: number
}

/**
 * When clients may connect to each gateway. A storm is not refused, it is put into a row: each client gets the next free
 * moment of its gateway, so that it is let in when it comes.
 */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #random: () => number
  /** Per node, the first moment that is free, as if nobody came at once: it may have passed. */
  readonly #freeAtMs = new Map<string, number>()

  constructor(limits: AdmissionLimits, random: () => number) {
    this.#limits = limits
    this.#random = random
  }

  /** How long a client would have to wait now. */
  waitMs(node: string, nowMs: number): number {
    if (this.#limits.connectionsPerSecond === 0) return 0
    return Math.min(this.#limits.waitMaxMs, Math.max(0, (this.#freeAtMs.get(node) ?? 0) - nowMs))
  }

  /** Takes the next moment. @param balancers how many share the gateway's rate. @returns how long to wait for it. */
  take(node: string, nowMs: number, balancers: number): number {
    const { connectionsPerSecond, waitMaxMs } = this.#limits
    if (connectionsPerSecond === 0) return 0
    const atMs = Math.max(this.#freeAtMs.get(node) ?? -Infinity, nowMs - AT_ONCE_MS)
    const waitMs = Math.max(0, atMs - nowMs)
    // The row is as long as it may get. Whoever comes now fills gaps of those who do not come, as far as there are any.
    if (waitMs >= waitMaxMs) return waitMaxMs * (SATURATED_FROM + this.#random() * (1 - SATURATED_FROM))
    this.#freeAtMs.set(node, atMs + (1000 * Math.max(1, balancers)) / (connectionsPerSecond * HEADROOM))
    return waitMs
  }

  /** Gateways that are gone are forgotten. */
  keepOnly(nodes: { has(node: string): boolean }): void {
    for (const node of this.#freeAtMs.keys()) if (!nodes.has(node)) this.#freeAtMs.delete(node)
  }
}
