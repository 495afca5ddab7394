/** What was certainly in the log at a moment: by symbol, the sequence of its newest record. */
export interface TruthPoint {
  readonly atMs: number
  readonly sequences: Readonly<Record<string, number>>
}

/** The newest points, for as long as they can matter. */
export class RecentTruth {
  readonly #points: TruthPoint[] = []
  readonly #keepMs: number

  constructor(keepMs: number) {
    this.#keepMs = keepMs
  }

  add(point: TruthPoint): void {
    this.#points.push(point)
    while (this.#points.length > 1 && this.#points[1]!.atMs <= point.atMs - this.#keepMs) this.#points.shift()
  }

  /** The newest that was so by then; `undefined`: nothing was known yet. */
  at(atMs: number): TruthPoint | undefined {
    return this.#points.findLast((point) => point.atMs <= atMs)
  }
}
