import type { LogAppend } from '../log/index.ts'

/** Whoever writes a record again that another one takes the place of each time waits twice as long each time, from this on. */
const CONFLICT_MS_MIN = 60_000
const CONFLICT_MS_MAX = 3_600_000

interface Held {
  /** As it was written: a later version's members are not lost by being written again. */
  readonly value: string
  /** Where the topic has it as the last of its key; `null`: it has not, or something older. */
  readonly offset: number | null
  /** When that was written, Unix ms, by whoever wrote it. */
  readonly writtenAtMs: number
  /** After that it means nothing any more. */
  readonly untilMs: number
  /** How often something older took its place. */
  readonly conflicts: number
  /** Not to be written again before, Unix ms. */
  readonly notBeforeMs: number
}

export interface HeardRecord {
  readonly key: string
  readonly value: string
  readonly offset: number
  readonly writtenAtMs: number
  /** Unix ms; default: it lasts for ever. */
  readonly untilMs?: number
}

/**
 * The newest record of each key that is to outlast its topic: operators' words, catalogue, grey release, revocations. Knows
 * which of them the topic has not, or not any more. Which of two records counts is decided elsewhere, by what they say and
 * not by where they lie, so that a record which is written again never takes the place of a newer one.
 */
export class LastingRecords {
  readonly #held = new Map<string, Held>()

  get size(): number {
    return this.#held.size
  }

  /**
   * @param counts what it says holds from now on; else what is held is newer, and the topic's last is not.
   * @returns whether what is held has to be written again because of it.
   */
  heard({ key, value, offset, writtenAtMs, untilMs = Infinity }: HeardRecord, counts: boolean, nowMs: number): boolean {
    const held = this.#held.get(key)
    if (held !== undefined && held.value === value) this.#held.set(key, { ...held, offset, writtenAtMs })
    else if (counts) this.#held.set(key, { value, offset, writtenAtMs, untilMs, conflicts: 0, notBeforeMs: 0 })
    else if (held !== undefined) {
      this.#outdone(key, held, nowMs)
      return true
    }
    return false
  }

  /** Something that cannot be made sense of lies where it was. */
  overwritten(key: string, nowMs: number): void {
    const held = this.#held.get(key)
    if (held !== undefined) this.#outdone(key, held, nowMs)
  }

  /** It is not for this node to write it again. */
  forget(key: string): void {
    this.#held.delete(key)
  }

  /** The topic is another one: whatever it has is still to be read. */
  beginAnew(): void {
    for (const [key, held] of this.#held) this.#held.set(key, { ...held, offset: null })
  }

  /** The log lost what was written from there on. */
  lostFrom(offset: number): void {
    for (const [key, held] of this.#held) {
      if (held.offset !== null && held.offset >= offset) this.#held.set(key, { ...held, offset: null })
    }
  }

  /**
   * What is to be written again.
   * @param earliest the first offset that the topic has.
   * @param ageMsMax older than that it is not to get, because the topic's records end at some age.
   */
  missing({
    earliest,
    nowMs,
    ageMsMax = Infinity,
  }: {
    readonly earliest: number
    readonly nowMs: number
    readonly ageMsMax?: number
  }): LogAppend[] {
    const missing: LogAppend[] = []
    for (const [key, { value, offset, writtenAtMs, untilMs, notBeforeMs }] of this.#held) {
      if (untilMs < nowMs || notBeforeMs > nowMs) continue
      if (offset === null || offset < earliest || nowMs - writtenAtMs > ageMsMax) missing.push({ key, value })
    }
    return missing
  }

  /** The first time it is put right at once: that is an operator's mistake, or a node that had been away. */
  #outdone(key: string, held: Held, nowMs: number): void {
    // It has not been written again since: whatever comes now takes the place of nothing.
    if (held.offset === null) return
    const waitMs = held.conflicts === 0 ? 0 : Math.min(CONFLICT_MS_MAX, CONFLICT_MS_MIN * 2 ** (held.conflicts - 1))
    this.#held.set(key, { ...held, offset: null, conflicts: held.conflicts + 1, notBeforeMs: nowMs + waitMs })
  }
}
