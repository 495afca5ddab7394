/** What a line does to the bytes of one direction. May be changed at any time; holds for all connections of a proxy. */
export interface Conditions {
  /** How long each byte takes. Bytes never overtake each other. */
  readonly latencyMs: number
  /** The latency of each chunk varies by up to so much, both ways. */
  readonly jitterMs: number
  readonly bytesPerSecond: number
  /** Each byte is a write of its own. */
  readonly sliced: boolean
  /** A black hole: what is sent is taken and does not arrive until the hole closes; then it comes, as TCP would send it again. */
  readonly held: boolean
  /** The proxy stops reading: its window closes, and the sender's socket gets stuck. */
  readonly stopped: boolean
}

export const CLEAR: Conditions = { latencyMs: 0, jitterMs: 0, bytesPerSecond: Infinity, sliced: false, held: false, stopped: false }

/** One direction's conditions, and who wants to know when they change. */
export class Direction {
  #now: Conditions = CLEAR
  readonly #listeners = new Set<() => void>()

  get now(): Conditions {
    return this.#now
  }

  set(change: Partial<Conditions>): void {
    this.#now = { ...this.#now, ...change }
    for (const listener of this.#listeners) listener()
  }

  /** @returns the undo. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
