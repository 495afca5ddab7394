import type { Clock, Timer } from '../runtime/clock.ts'

/** What the wheel turns for. */
export interface Pulsed {
  readonly pulseIntervalMs: number
  nextPulseAtMs: number
  /** The wheel's: where it stands; −1: not on the wheel. */
  pulseSlot: number
  /** The time for a pulse has come. @returns false when it is to be met again soon, because a message is likely to take the pulse along. */
  meet(nowMs: number): boolean
}

/** A receiver that asked for less than this gets each pulse as it comes. */
export const EAGER_BELOW_MS = 200
/** Such a receiver is met by the wheel all the same, for a heartbeat while no pulse comes. */
const HEARTBEAT_INTERVAL_MS = 1000

/** A pulse waits for a message to ride on for a quarter of its interval, at most for so long: one comes in that time at every `maxRate` from 4 a second on. */
const RIDE_MS_MAX = 250

const SLOT_MS = 50
const SLOTS = 256

/**
 * Spreads the pulses of many sessions over time: a timer per session would cost more than the pulses. Each session is
 * met once per interval, at its own phase; intervals longer than a turn of the wheel go round again.
 */
export class PulseWheel {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #slots: Set<Pulsed>[] = Array.from({ length: SLOTS }, () => new Set())
  #size = 0
  #at = 0
  #timer: Timer | null = null

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  add(session: Pulsed): void {
    const nowMs = this.#clock.nowMs()
    // The phase is drawn, so that sessions that came at once are not all met at once for ever.
    session.nextPulseAtMs = nowMs + intervalOf(session) * (0.5 + this.#random() / 2)
    this.#size++
    this.#place(session, nowMs)
    this.#timer ??= this.#clock.every(SLOT_MS, this.#turn)
  }

  remove(session: Pulsed): void {
    if (session.pulseSlot < 0) return
    this.#slots[session.pulseSlot]!.delete(session)
    session.pulseSlot = -1
    if (--this.#size === 0) this.close()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #place(session: Pulsed, nowMs: number): void {
    const ahead = Math.min(SLOTS - 1, Math.max(1, Math.round((session.nextPulseAtMs - nowMs) / SLOT_MS)))
    const slot = (this.#at + ahead) % SLOTS
    this.#slots[slot]!.add(session)
    session.pulseSlot = slot
  }

  #turn = (): void => {
    this.#at = (this.#at + 1) % SLOTS
    const met = this.#slots[this.#at]!
    if (met.size === 0) return
    this.#slots[this.#at] = new Set()
    const nowMs = this.#clock.nowMs()
    for (const session of met) {
      if (session.nextPulseAtMs <= nowMs + SLOT_MS) {
        if (session.meet(nowMs)) session.nextPulseAtMs = Math.max(session.nextPulseAtMs + intervalOf(session), nowMs)
        else session.nextPulseAtMs = nowMs + rideMsOf(session) + SLOT_MS
      }
      this.#place(session, nowMs)
    }
  }
}

/** How long a pulse of the session may wait for a message to ride on. */
export function rideMsOf({ pulseIntervalMs }: Pulsed): number {
  return Math.min(pulseIntervalMs / 4, RIDE_MS_MAX)
}

function intervalOf({ pulseIntervalMs }: Pulsed): number {
  return pulseIntervalMs < EAGER_BELOW_MS ? HEARTBEAT_INTERVAL_MS : pulseIntervalMs
}
