import { type Directory, GREY_REASON_CHARS_MAX, type GreyStop } from '../../directory/index.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Verdict } from '../verdict/verdict-book.ts'
import { GreyGuard, type GreyGuardLimits, type Worse } from './grey-guard.ts'
import { LOOK_INTERVAL_MS, TrackBook, type TrackFigures } from './track-figures.ts'

/** Writes it where every balancer reads it. */
export type StopGrey = (stop: GreyStop) => Promise<void>

export interface GreyWatchOptions extends GreyGuardLimits {
  /** Name of this balancer. */
  readonly balancer: string
  readonly directory: Pick<Directory, 'grey' | 'view'>
  readonly windowMs: number
  /** A gateway's pulse is overdue when none came for so long. */
  readonly pulseHeardWithinMs: number
  /** `false`: it compares and stops nothing. */
  readonly stops: boolean
  readonly stopGrey: StopGrey
  readonly logger: Logger
}

/** What did not reach the log is said again after so long. */
const AGAIN_MS = 5000

/** Compares both tracks, and ends the release when grey is worse than it may be. */
export class GreyWatch {
  readonly #options: GreyWatchOptions
  readonly #stable: TrackBook
  readonly #grey: TrackBook
  readonly #guard: GreyGuard
  #saidOf: number | null = null
  #notBeforeMs = -Infinity
  #lookedAtMs = -Infinity

  constructor(options: GreyWatchOptions) {
    this.#options = options
    this.#stable = new TrackBook('stable', options.windowMs, options.pulseHeardWithinMs)
    this.#grey = new TrackBook('grey', options.windowMs, options.pulseHeardWithinMs)
    this.#guard = new GreyGuard(options)
  }

  /** Of the newest window, stable first. */
  get figures(): readonly TrackFigures[] {
    return [this.#stable.figures(), this.#grey.figures()]
  }

  /** In what grey is worse than it may be, and since when. */
  get worse(): readonly Worse[] {
    return this.#guard.worse
  }

  /** To be called at every judgement; it looks once a second. */
  look(verdicts: Iterable<Verdict>, nowMs: number): void {
    if (nowMs - this.#lookedAtMs < LOOK_INTERVAL_MS) return
    this.#lookedAtMs = nowMs
    const { directory, stops } = this.#options
    // Of its own log alone: grey releases are set, and stopped, in each.
    const all = [...verdicts].filter(({ otherZone }) => otherZone === null)
    this.#stable.look(all, nowMs)
    this.#grey.look(all, nowMs)
    this.#guard.follow(directory.grey, nowMs)
    // The figures of a window are no small sum, and without a release nothing is judged by them.
    if (!this.#guard.isOn) return
    // Counts and leases say nothing while the control topic is silent.
    if (directory.view !== 'current') return this.#guard.pause()
    const { setAtMs } = this.#guard
    const reason = this.#guard.judge(this.#stable.figures(setAtMs), this.#grey.figures(setAtMs), nowMs)
    const release = directory.grey?.release
    if (reason === null || release === undefined || release.guarded === false || !stops) return
    if (this.#saidOf === release.atMs && nowMs < this.#notBeforeMs) return
    this.#saidOf = release.atMs
    this.#notBeforeMs = nowMs + AGAIN_MS
    this.#stop({ of: release.atMs, by: this.#options.balancer, reason: reason.slice(0, GREY_REASON_CHARS_MAX), atMs: Math.floor(nowMs) })
  }

  #stop(stop: GreyStop): void {
    const { logger, stopGrey } = this.#options
    logger.warn('grey_stopping', `the grey release is stopped: ${stop.reason}`, {})
    stopGrey(stop).catch((error: unknown) => {
      logger.error(
        'grey_stop_failed',
        `that the grey release is stopped did not reach the log, it is said again: ${error instanceof Error ? error.message : String(error)}`,
        {},
      )
    })
  }
}
