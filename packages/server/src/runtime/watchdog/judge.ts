import { LOOP_ROW, type StageTable } from '../stages/index.ts'

export interface JudgeOptions {
  /** An event loop that has not turned for so long is blocked. */
  readonly loopDeadlineMs: number
  /** Looks that come later than this after the last are those of a process that stood still. */
  readonly standstillMs: number
}

/** What a look at the table found. `overdueMs` is how long past its deadline the row is. */
export interface Overdue {
  readonly row: number
  readonly busyMs: number
  readonly overdueMs: number
}

/**
 * Decides which stage is past its deadline. Pure: numbers in, verdict out.
 *
 * Only time during which the judge itself ran counts. A process that was stopped, suspended or starved stands still as
 * a whole, its judge too, so nothing in it is stuck for that; each stage then gets its whole deadline anew.
 */
export class Judge {
  readonly #table: StageTable
  readonly #options: JudgeOptions
  #lookedAtMs: number
  /** Since when the process has run without standing still. */
  #runsSinceMs: number
  standstills = 0

  constructor(table: StageTable, options: JudgeOptions, nowMs: number) {
    this.#table = table
    this.#options = options
    this.#lookedAtMs = nowMs
    this.#runsSinceMs = nowMs
  }

  /** To be called at a fixed interval. @returns what is furthest past its deadline; the event loop before all stages. */
  look(nowMs: number): Overdue | undefined {
    if (nowMs - this.#lookedAtMs > this.#options.standstillMs) {
      this.standstills++
      this.#runsSinceMs = nowMs
    }
    this.#lookedAtMs = nowMs
    return this.#overdue(LOOP_ROW, this.#options.loopDeadlineMs, nowMs) ?? this.#worstStage(nowMs)
  }

  /** Whether what was overdue is so no longer. */
  isOver(row: number, nowMs: number): boolean {
    const deadlineMs = row === LOOP_ROW ? this.#options.loopDeadlineMs : this.#table.deadlineMs(row)
    return this.#overdue(row, deadlineMs, nowMs) === undefined
  }

  #worstStage(nowMs: number): Overdue | undefined {
    let worst: Overdue | undefined
    for (let row = LOOP_ROW + 1; ; row++) {
      const deadlineMs = this.#table.deadlineMs(row)
      if (!(deadlineMs > 0)) return worst
      const found = this.#overdue(row, deadlineMs, nowMs)
      if (found !== undefined && found.overdueMs > (worst?.overdueMs ?? 0)) worst = found
    }
  }

  #overdue(row: number, deadlineMs: number, nowMs: number): Overdue | undefined {
    const sinceMs = this.#table.sinceMs(row)
    if (sinceMs === 0) return undefined
    const judgedMs = nowMs - Math.max(sinceMs, this.#runsSinceMs)
    return judgedMs > deadlineMs ? { row, busyMs: nowMs - sinceMs, overdueMs: judgedMs - deadlineMs } : undefined
  }
}
