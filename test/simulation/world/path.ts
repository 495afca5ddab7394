import type { Pipe } from './pipe.ts'
import type { Random } from './random.ts'

/** What makes a path worse for a while. */
export interface Burden {
  readonly delayMs: number
  readonly bytesPerMs: number
}

/** The way from one host to another, in one direction. Faults change it under the connections that use it. */
export class Path {
  readonly #latencyMs: number
  readonly #jitterMs: number
  readonly #bytesPerMs: number
  readonly pipes = new Set<Pipe>()
  readonly #random: Random
  #stalls = 0
  /** Since when nothing arrives; `Infinity` while it does. */
  stalledSinceMs = Infinity
  readonly #burdens = new Set<Burden>()

  constructor(random: Random, latencyMs: number, jitterMs: number, bytesPerMs: number) {
    this.#random = random
    this.#latencyMs = latencyMs
    this.#jitterMs = jitterMs
    this.#bytesPerMs = bytesPerMs
  }

  /** Nothing arrives; nothing is lost either, for as long as the connection lives. */
  get stalled(): boolean {
    return this.#stalls > 0
  }

  delayMs(): number {
    let delayMs = this.#latencyMs + this.#random.next() * this.#jitterMs
    for (const burden of this.#burdens) delayMs += burden.delayMs
    return delayMs
  }

  /** What it carries while no fault makes it thin. */
  get soundBytesPerMs(): number {
    return this.#bytesPerMs
  }

  get bytesPerMs(): number {
    let bytesPerMs = this.#bytesPerMs
    for (const burden of this.#burdens) bytesPerMs = Math.min(bytesPerMs, burden.bytesPerMs)
    return bytesPerMs
  }

  burden(burden: Burden): void {
    this.#burdens.add(burden)
  }

  relieve(burden: Burden): void {
    this.#burdens.delete(burden)
    for (const pipe of this.pipes) pipe.hurry()
  }

  stall(nowMs: number): void {
    if (this.#stalls++ === 0) this.stalledSinceMs = nowMs
  }

  resume(): void {
    if (--this.#stalls > 0) return
    this.stalledSinceMs = Infinity
    for (const pipe of [...this.pipes]) pipe.resume()
  }
}
