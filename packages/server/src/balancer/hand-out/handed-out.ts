/** Counts of one span of time, so that a storm makes a few numbers and not one per client. */
const SPAN_MS = 100
/** From its time to connect until its session shows in the load of a lease. */
const SETTLE_MS = 1000
/** Whoever has not come by then will not come. */
const FORGET_AFTER_MS = 60_000

interface Span {
  /** When these clients are expected, by the end of the span. */
  readonly untilMs: number
  clients: number
}

/**
 * Clients that this balancer has sent to one gateway and that its lease cannot show yet, because it was beaten before they
 * came. Two answers between two beats would otherwise see the same load, and so would five thousand.
 */
export class HandedOut {
  #spans: Span[] = []
  /** Of all spans. */
  #clients = 0
  #incarnation = 0

  /** @param expectedAtMs when the client was told to connect. */
  add(expectedAtMs: number): void {
    this.#clients++
    const untilMs = Math.ceil((expectedAtMs + 1) / SPAN_MS) * SPAN_MS
    // Slots are given in order, so it is the last span or one after it; a client that comes at once goes before those that wait.
    const at = this.#spans.findLastIndex((span) => span.untilMs <= untilMs)
    const span = this.#spans[at]
    if (span?.untilMs === untilMs) span.clients++
    else this.#spans.splice(at + 1, 0, { untilMs, clients: 1 })
  }

  /** How many the lease does not show. @param heardAtMs when its newest beat came. */
  pending(incarnation: number, heardAtMs: number, nowMs: number): number {
    if (incarnation !== this.#incarnation) {
      // Another process: those that were sent to the one before have met a closed door.
      if (this.#incarnation !== 0) this.#forgetUntil(nowMs)
      this.#incarnation = incarnation
    }
    this.#forgetUntil(Math.max(heardAtMs - SETTLE_MS, nowMs - FORGET_AFTER_MS))
    return this.#clients
  }

  /** Spans are in order. */
  #forgetUntil(ms: number): void {
    while (this.#spans.length > 0 && this.#spans[0]!.untilMs <= ms) this.#clients -= this.#spans.shift()!.clients
  }
}
