import type { Logger } from '../runtime/logger.ts'
import type { IgnoredCounts } from './node-table.ts'

/** Keys that are named in the log output, each once: whatever the first was, the next may be another node's lease. */
const TOLD_MAX = 32

export interface IgnoredRecord {
  readonly why: keyof IgnoredCounts
  readonly key: string
  readonly problem: string
}

/** Says of each key once that a record of it is ignored, and why. */
export class IgnoredRecords {
  readonly #topic: string
  readonly #logger: Logger
  readonly #told = new Set<string>()

  constructor(topic: string, logger: Logger) {
    this.#topic = topic
    this.#logger = logger
  }

  tell({ why, key, problem }: IgnoredRecord, offset: number): void {
    if (this.#told.size >= TOLD_MAX || this.#told.has(key)) return
    this.#told.add(key)
    const further = this.#told.size < TOLD_MAX ? 'further ones of that key' : 'further ones, of other keys too,'
    this.#logger.warn(
      'control_record_ignored',
      `a record of ${this.#topic}, ${key}, is ignored (${why}): ${problem}; ${further} are only counted`,
      { key, offset },
    )
  }
}
