import type { PulseRecord } from '../feeds/index.ts'

/**
 * Brings the times of pulse writers into this node's clock. There is no round trip through a log, so the skew cannot be
 * measured as between two nodes; but no pulse arrives before it was written, and at the end of the log the fastest ones
 * arrive at once. So the least difference seen is taken for skew, as soon as it is more than a fast log would explain.
 *
 * What was held up is not taken for skew: a clock that nothing is known of is believed only once two pulses of one partition
 * arrived at the pace at which they were written. After a standstill, of this process, of the network or of a broker, all that
 * came meanwhile arrives at once.
 *
 * A clock is that of one life of a writer: started again, perhaps on another machine, it has another. Partitions may be held
 * up one by one, so that a life that is over in one still speaks in another.
 */

/** Differences up to this are taken for travel time, not for skew. */
const PLAUSIBLE_TRAVEL_MS = 250
const WINDOW_MS = 60_000
/** A pulse of a backlog that says itself that it is so old proves nothing by any clock, and may be shown as what it says. */
const OLD_MS = 2_500
/** A few writers, each with some lives. */
const WINDOWS_MAX = 64

interface Heard {
  readonly sequence: number
  readonly atMs: number
  readonly arrivedAtMs: number
}

/** What is known of the clock of one life of a writer. */
interface Window {
  readonly writer: string
  heardAtMs: number
  /** Per partition, the writer's last pulse. */
  readonly last: Heard[]
  /** What the writer's clock was off by in the life before; 0: as far as is known. */
  readonly before: number
  /** Whether the least difference is the clock's, and not that of pulses which were held up. */
  isKnown: boolean
  leastMs: number
  previousLeastMs: number
  startedAtMs: number
}

export class WriterClocks {
  readonly #windows = new Map<string, Window>()

  get size(): number {
    return this.#windows.size
  }

  /**
   * @param pulse as it was read, in the order of its partition. Where it does not say of which life it is, one whose sequence
   * begins anew is of another.
   * @param atTail whether the reader had read everything there was: only then is a pulse's delay not a backlog's.
   * @returns when the pulse was written, by this node's clock; `null`: nobody can tell yet, so that it proves nothing.
   */
  writtenAtMs({ writer, life, sequence, atMs }: PulseRecord, partition: number, arrivedAtMs: number, atTail: boolean): number | null {
    const differenceMs = arrivedAtMs - atMs
    const key = `${life ?? ''} ${writer}`
    let window = this.#windows.get(key)
    const last = window?.last[partition]
    const isAnew = life === undefined && last !== undefined && sequence <= last.sequence
    if (window === undefined || isAnew) window = this.#open(key, writer, arrivedAtMs)
    window.heardAtMs = arrivedAtMs
    const previous = window.last[partition]
    window.last[partition] = { sequence, atMs, arrivedAtMs }
    if (arrivedAtMs - window.startedAtMs > WINDOW_MS) {
      window.previousLeastMs = window.leastMs
      window.leastMs = Infinity
      window.startedAtMs = arrivedAtMs
    }
    // A difference below zero proves skew, wherever the reader stands.
    if (atTail || differenceMs < 0) window.leastMs = Math.min(window.leastMs, differenceMs)
    if (!window.isKnown) {
      // The first one may look right by itself; of many that were held up, some would by chance.
      const isFirst = previous === undefined
      const isAsBefore = isFirst && isTravel(differenceMs - window.before)
      if (isAsBefore) window.leastMs = Math.min(window.leastMs, window.before)
      window.isKnown = isAsBefore || (isFirst ? isTravel(differenceMs) : atTail && keepsPace(previous, atMs, arrivedAtMs))
      if (!window.isKnown) return !atTail && differenceMs > OLD_MS ? atMs : null
    }
    return atMs + skewOf(leastOf(window))
  }

  #open(key: string, writer: string, nowMs: number): Window {
    const ofWriter = [...this.#windows.values()].filter((window) => window.writer === writer)
    const before = ofWriter.reduce<Window | null>(
      (latest, each) => (latest === null || each.heardAtMs >= latest.heardAtMs ? each : latest),
      null,
    )
    const skewMs = before?.isKnown === true ? skewOf(leastOf(before)) : 0
    if (this.#windows.size >= WINDOWS_MAX) this.#forgetOne()
    const window: Window = {
      writer,
      heardAtMs: nowMs,
      last: [],
      before: skewMs,
      isKnown: false,
      leastMs: Infinity,
      previousLeastMs: Infinity,
      startedAtMs: nowMs,
    }
    this.#windows.set(key, window)
    return window
  }

  /** Forgets the one that has been silent for the longest time. */
  #forgetOne(): void {
    let quietest: string | undefined
    let heardAtMs = Infinity
    for (const [key, window] of this.#windows) {
      if (window.heardAtMs >= heardAtMs) continue
      heardAtMs = window.heardAtMs
      quietest = key
    }
    if (quietest !== undefined) this.#windows.delete(quietest)
  }
}

/** Whether a pulse came as long after the one before as it was written after it, about. */
function keepsPace(last: Heard, atMs: number, arrivedAtMs: number): boolean {
  const writtenMs = atMs - last.atMs
  const arrivedMs = arrivedAtMs - last.arrivedAtMs
  return arrivedMs >= writtenMs / 2 && arrivedMs <= writtenMs * 2 + PLAUSIBLE_TRAVEL_MS
}

function leastOf({ leastMs, previousLeastMs }: Window): number {
  return Math.min(leastMs, previousLeastMs)
}

function skewOf(leastMs: number): number {
  return leastMs === Infinity || isTravel(leastMs) ? 0 : leastMs
}

/** Whether a fast log explains it, with a clock that agrees. */
function isTravel(differenceMs: number): boolean {
  return differenceMs >= 0 && differenceMs <= PLAUSIBLE_TRAVEL_MS
}
