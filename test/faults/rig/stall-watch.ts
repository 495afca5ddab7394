import type { Span } from '../../support/checker/spans.ts'
import { steadyMs } from '../../support/steady.ts'

const TICK_MS = 20
/** Later than this, the recording process stood still: clients in it could not show anything. */
const STALL_MS = 100

/** Notices when the recording process itself does not get its turn. */
export class StallWatch implements Disposable {
  readonly stalls: Span[] = []
  #lastMs = steadyMs()
  readonly #timer = setInterval(() => {
    const nowMs = steadyMs()
    if (nowMs - this.#lastMs > STALL_MS) this.stalls.push({ fromMs: this.#lastMs, untilMs: nowMs })
    this.#lastMs = nowMs
  }, TICK_MS)

  get longestMs(): number {
    return Math.max(0, ...this.stalls.map(({ fromMs, untilMs }) => untilMs - fromMs))
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
