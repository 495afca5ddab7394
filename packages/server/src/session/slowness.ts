/** How long a receiver has to be behind before it is told so, and in step before that is taken back. */
const NOTICE_AFTER_MS = 1000

/** Whether a receiver keeps up with what it is sent. */
export class Slowness {
  #behindSinceMs = -1
  #inStepSinceMs = -1
  #told = false

  /** Whether something could not be sent because the window was closed, and has not been since. */
  get isBehind(): boolean {
    return this.#behindSinceMs >= 0
  }

  /** Whether it has been behind of late: one that is in step for a moment, when an acknowledgement has come, is slow still. */
  get isSlow(): boolean {
    return this.#told || this.isBehind
  }

  fellBehind(nowMs: number): void {
    this.#inStepSinceMs = -1
    if (this.#behindSinceMs < 0) this.#behindSinceMs = nowMs
  }

  caughtUp(nowMs: number): void {
    this.#behindSinceMs = -1
    if (this.#told && this.#inStepSinceMs < 0) this.#inStepSinceMs = nowMs
  }

  /** @returns what the receiver should be told now, once. */
  notice(nowMs: number): 'slow' | 'caught_up' | undefined {
    if (!this.#told && this.#behindSinceMs >= 0 && nowMs - this.#behindSinceMs > NOTICE_AFTER_MS) {
      this.#told = true
      return 'slow'
    }
    if (this.#told && this.#inStepSinceMs >= 0 && nowMs - this.#inStepSinceMs > NOTICE_AFTER_MS) {
      this.#told = false
      this.#inStepSinceMs = -1
      return 'caught_up'
    }
    return undefined
  }
}
