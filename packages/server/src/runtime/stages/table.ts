/**
 * What the main thread and the watchdog share: one row of numbers per stage. The main thread alone writes rows, the
 * watchdog alone writes its verdict. A store of a number is all that a stage costs, so it can be marked per batch.
 */

const COLUMNS = 3
const SINCE = 0
const ENTRIES = 1
const DEADLINE = 2

/** Rows that there can be. A process has some twenty; what comes beyond is not watched, and counted as such. */
export const STAGES_MAX = 256
/** The first row: not busy since, but last heard of at. */
export const LOOP_ROW = 0

export class StageTable {
  /** To be handed to the other thread. */
  readonly buffer: SharedArrayBuffer
  readonly #rows: Float64Array
  readonly #words: Int32Array

  constructor(buffer = new SharedArrayBuffer((STAGES_MAX * COLUMNS + 2) * Float64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer
    this.#rows = new Float64Array(buffer, 0, STAGES_MAX * COLUMNS)
    this.#words = new Int32Array(buffer, STAGES_MAX * COLUMNS * Float64Array.BYTES_PER_ELEMENT, 4)
  }

  open(row: number, deadlineMs: number): void {
    this.#rows[row * COLUMNS + DEADLINE] = deadlineMs
  }

  enter(row: number, atMs: number): void {
    const at = row * COLUMNS
    this.#rows[at + SINCE] = atMs
    this.#rows[at + ENTRIES]!++
  }

  /** Busy with something that began earlier: no new entry. */
  busySince(row: number, sinceMs: number): void {
    this.#rows[row * COLUMNS + SINCE] = sinceMs
  }

  leave(row: number): void {
    this.#rows[row * COLUMNS + SINCE] = 0
  }

  /** When the stage was entered, in monotonic ms; 0 while it is idle. */
  sinceMs(row: number): number {
    return this.#rows[row * COLUMNS + SINCE]!
  }

  entries(row: number): number {
    return this.#rows[row * COLUMNS + ENTRIES]!
  }

  /** 0: there is no such stage. */
  deadlineMs(row: number): number {
    return this.#rows[row * COLUMNS + DEADLINE]!
  }

  /** The row that the watchdog found past its deadline; −1: none. */
  get overdueRow(): number {
    return Atomics.load(this.#words, 0) - 1
  }

  set overdueRow(row: number) {
    Atomics.store(this.#words, 0, row + 1)
  }

  /** Whether the process's roles take work, as the main thread said at its last beat. */
  get isReady(): boolean {
    return Atomics.load(this.#words, 1) === 1
  }

  set isReady(ready: boolean) {
    Atomics.store(this.#words, 1, ready ? 1 : 0)
  }
}
