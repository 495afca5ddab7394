import type { Clock, Timer } from '../runtime/clock.ts'

/** What the wheel turns for. */
export interface Pulsed {
  readonly pulseIntervalMs: number
  nextPulseAtMs: number
  /** The wheel's: where it stands; −1: not on the wheel. */
  pulseSlot: number
  pulse(): void
}

/** A receiver that asked for less than this gets each pulse as it comes. */
export const EAGER_BELOW_MS = 200
/** Such a receiver is met by the wheel all the same, for a heartbeat while no pulse comes. */
const HEARTBEAT_INTERVAL_MS = 1000

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
        session.pulse()
        session.nextPulseAtMs = Math.max(session.nextPulseAtMs + intervalOf(session), nowMs)
      }
      this.#place(session, nowMs)
    }
  }
}

function intervalOf({ pulseIntervalMs }: Pulsed): number {
  return pulseIntervalMs < EAGER_BELOW_MS ? HEARTBEAT_INTERVAL_MS : pulseIntervalMs
}
