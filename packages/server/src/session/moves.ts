import type { Clock, Timer } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Session } from './session.ts'

/** How often some are told. Receivers are given as long to begin, at a moment of their own. */
const TICK_MS = 50
/** By this part of the deadline every receiver has been told, whatever the pace: the rest is for moving. */
const TELLING_SHARE = 0.5
const MESSAGES = {
  draining: 'this node is going away',
  rebalance: 'this node has more receivers than its peers; one of them would be glad to have you',
} as const

/** Why a receiver is asked to move: it must, or it would be better. */
export type MoveReason = keyof typeof MESSAGES

/** Where a receiver of this node could go: a few addresses, best first; none where none is known. */
export type Elsewhere = (why: MoveReason) => readonly string[]

interface Telling {
  readonly code: MoveReason
  /** Receivers still to be told. */
  left: number
  readonly perSecond: number
}

interface MovesOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly sessions: ReadonlySet<Session>
  /** How many receivers are told to move in a second. */
  readonly perSecond: number
  readonly elsewhere: Elsewhere
}

/**
 * Tells receivers to move, so many a second: a crowd that is told at once arrives at once. One that has been told is not
 * told again for the same reason.
 */
export class Moves {
  readonly #options: MovesOptions
  /** Receivers still to be told, and why. A drain takes the place of a shedding. */
  #telling: Telling | null = null
  #timer: Timer | null = null
  #allowance = 0
  #draining = false
  /** How often a drain was taken back: one that is under way then goes no further. */
  #resumed = 0

  constructor(options: MovesOptions) {
    this.#options = options
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Receivers that are still to be told. */
  get pending(): number {
    return this.#telling?.left ?? 0
  }

  /** So many more than its share: they are told to move, the longest-served first. Those who cannot stay. */
  shed(count: number): void {
    if (!this.#draining && count > 0) this.#begin({ code: 'rebalance', left: count, perSecond: this.#options.perSecond })
  }

  /** Tells everybody, waits for them to leave, and cuts who is left at the deadline. */
  async drain(deadlineMs: number): Promise<void> {
    const { clock, sessions, log, perSecond } = this.#options
    const resumed = this.#resumed
    this.#draining = true
    for (const session of sessions) if (session.state === 'greeting') session.close('draining', MESSAGES.draining)
    const untilMs = clock.nowMs() + deadlineMs
    const needed = sessions.size / ((deadlineMs * TELLING_SHARE) / 1000)
    if (sessions.size > 0 && needed > perSecond) {
      const message = `${sessions.size} receivers cannot be told at ${perSecond} a second before the deadline: ${Math.ceil(needed)} a second are`
      log.warn('drain_hurried', message, { deadlineMs })
    }
    this.#begin({ code: 'draining', left: Infinity, perSecond: Math.max(perSecond, needed) })
    const goesOn = (): boolean => this.#resumed === resumed
    while (goesOn() && sessions.size > 0 && clock.nowMs() < untilMs) await new Promise<void>((resolve) => clock.after(20, resolve))
    if (!goesOn()) return
    this.close()
    const late = [...sessions]
    if (late.length > 0) log.warn('drain_cut', `${late.length} receivers had not left at the deadline and are cut`, { deadlineMs })
    for (const session of late) session.close('draining', 'the time for leaving is over')
  }

  /** The node stays after all: nobody else is told to go, and new receivers are welcome. */
  resume(): void {
    if (!this.#draining) return
    this.#draining = false
    this.#resumed++
    this.close()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#telling = null
  }

  #begin(telling: Telling): void {
    this.#telling = telling
    this.#allowance = 0
    this.#timer ??= this.#options.clock.every(TICK_MS, () => this.#tell())
    this.#tell()
  }

  #tell(): void {
    const telling = this.#telling
    if (telling === null) return
    this.#allowance += (telling.perSecond * TICK_MS) / 1000
    // In the order in which they came: one that has just been moved here is the last to be asked again.
    for (const session of this.#options.sessions) {
      if (this.#allowance < 1 || telling.left <= 0) break
      if (!session.goodbye(telling.code, MESSAGES[telling.code], TICK_MS, this.#options.elsewhere)) continue
      this.#allowance--
      telling.left--
    }
    // What was not used is not saved up: a pace is no budget.
    this.#allowance = Math.min(this.#allowance, 1)
    if (telling.left <= 0) this.close()
  }
}
