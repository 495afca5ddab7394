import type { WelcomeFrame } from '@pulsewire/protocol'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { ConnectProbe } from './connect.ts'
import { Entry } from './entry.ts'
import type { EntryReport } from './report.ts'

/** A new session comes after so much of the time within which one has to get in: one that fails can be followed by another. */
export const EVERY = 0.6
/** While the last one has not got in: it may have lost a packet, and one that comes now would be served at once. */
const AGAIN = 0.2
/** Where one has to get in within much more than usual, a failure shows all the same as soon. */
const AGAIN_MS_MAX = 600
/** By so much of a pause moments differ, so that those of many gateways, and of many balancers, do not fall together. */
const JITTER = 0.2
/** On their way at once: the next one does not wait for one that gets no answer. */
const OPEN_MAX = 2
/** After so many failures it comes at the usual pace again. */
const HASTY_MAX = 5
/** Timers that fire later than this are those of a process that stood still; those of all gateways then fire at once. */
const LATE_MS = 1000
const SPREAD_MS = 500

export interface EntriesOptions {
  readonly node: string
  readonly address: string
  readonly client: string
  /** One has to get in within this; asked again each time. */
  readonly withinMs: () => number
  readonly token: () => string | undefined
  readonly connect: ConnectProbe
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly owed: () => readonly string[]
  /** Somebody answers. */
  readonly welcomed: (frame: WelcomeFrame) => void
}

/**
 * Sees to it that somebody new is let in at a gateway, again and again: sessions that are open live on where certificates
 * have run out, descriptors are used up or a firewall lets no new connection through.
 */
export class Entries implements EntryReport {
  enteredAtMs = -Infinity
  failure: string | null = null
  unservedSinceMs: number | null = null
  readonly #options: EntriesOptions
  readonly #open = new Set<Entry>()
  #failures = 0
  #noted = ''
  #next: Timer | null = null

  constructor(options: EntriesOptions) {
    this.#options = options
  }

  get withinMs(): number {
    return this.#options.withinMs()
  }

  /** The probe's own session was let in: the next one is due in its turn. */
  begin(): void {
    this.#entered()
    // Gateways are found all at once, when a balancer starts.
    this.#after(this.withinMs * EVERY * this.#options.random())
  }

  /** Until the next `begin`. */
  stop(): void {
    this.unservedSinceMs = null
    this.#next?.cancel()
    this.#next = null
    for (const entry of this.#open) entry.close()
    this.#open.clear()
  }

  #entered(): void {
    this.enteredAtMs = this.#options.clock.nowMs()
    this.failure = null
    this.unservedSinceMs = null
    this.#failures = 0
  }

  #after(ms: number): void {
    const { clock, random } = this.#options
    this.#next?.cancel()
    const dueAtMs = clock.nowMs() + ms
    this.#next = clock.after(ms, () => {
      if (clock.nowMs() - dueAtMs > LATE_MS) this.#after(random() * SPREAD_MS)
      else this.#enter()
    })
  }

  #jittered(ms: number): number {
    return ms * (1 - JITTER / 2 + JITTER * this.#options.random())
  }

  get #usualMs(): number {
    return this.withinMs * EVERY
  }

  #enter(): void {
    this.#after(this.#jittered(this.#failures < HASTY_MAX ? Math.min(this.withinMs * AGAIN, AGAIN_MS_MAX) : this.#usualMs))
    if (this.#open.size >= OPEN_MAX) return
    const { node, welcomed, ...options } = this.#options
    const startedAtMs = options.clock.nowMs()
    this.unservedSinceMs ??= startedAtMs
    const entry = new Entry({
      ...options,
      objection: (frame) => {
        welcomed(frame)
        return frame.node === node && frame.role === 'gateway' ? null : `${frame.node}, a ${frame.role} node, answers`
      },
      ended: (failure, note) => {
        this.#open.delete(entry)
        if (failure === null) this.#served(note)
        else if (startedAtMs >= this.enteredAtMs) this.#failed(failure)
      },
    })
    this.#open.add(entry)
    entry.open()
  }

  #served(note = ''): void {
    this.#entered()
    this.#after(this.#jittered(this.#usualMs))
    if (note === '' || note === this.#noted) return
    this.#noted = note
    const { logger, node } = this.#options
    logger.warn('probe_limited', `whether ${node} lets new sessions in is proven in part alone: ${note}`, {})
  }

  /** The verdict says so, once it is one. */
  #failed(failure: string): void {
    this.#failures++
    this.failure = failure
    const { logger, node } = this.#options
    logger.debug('probe_entry_failed', `${node} does not let a new session of its probe in: ${failure}`, {})
  }
}
