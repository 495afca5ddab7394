import type { Clock, Timer } from '../runtime/clock.ts'
import type { ControlDirectory } from './control-directory.ts'

/** A process that lives beats within so many intervals. */
const LISTEN_BEATS = 2
/**
 * How long the one who came second waits for the other to go, before it gives up and its supervisor starts it again: long
 * enough that this is no restart without pause, and it is there within a lease's life when the other ends.
 */
const PATIENCE_MS = 30_000

export interface NameClaimOptions {
  readonly directory: Pick<ControlDirectory, 'holderOf'>
  readonly node: string
  readonly beatIntervalMs: number
  readonly clock: Clock
  /** Nobody else lives under the name. Called once, at once where nobody can. */
  readonly free: () => void
  /** Another process does. Called once at most. */
  readonly taken: () => void
  /** It still does: there is no waiting for it any more. */
  readonly refused: () => void
}

type State = 'listening' | 'waiting' | 'done'

/**
 * Whoever starts under a name that a living process has must not take it over: that one would end, be started again by its
 * supervisor, take the name back, and so on. A process that was killed, or is frozen, is not heard and loses the name.
 */
export class NameClaim {
  readonly #options: NameClaimOptions
  #state: State = 'listening'
  #timer: Timer | null = null

  constructor(options: NameClaimOptions) {
    this.#options = options
  }

  /** The topic has been read to its end. */
  begin(): void {
    const { directory, node, beatIntervalMs, clock } = this.#options
    if (directory.holderOf(node) === 'none') return this.#done('free')
    this.#timer = clock.after(LISTEN_BEATS * beatIntervalMs, () => this.#done('free'))
    this.look()
  }

  /** The directory has changed. */
  look(): void {
    if (this.#timer === null) return
    const { directory, node, clock, taken } = this.#options
    const holder = directory.holderOf(node)
    if (this.#state === 'listening' && holder === 'living') {
      this.#state = 'waiting'
      this.#timer.cancel()
      this.#timer = clock.after(PATIENCE_MS, () => this.#done('refused'))
      taken()
    } else if (holder === 'none') this.#done('free')
  }

  close(): void {
    this.#state = 'done'
    this.#timer?.cancel()
    this.#timer = null
  }

  #done(how: 'free' | 'refused'): void {
    if (this.#state === 'done') return
    this.close()
    this.#options[how]()
  }
}
