import type { Clock } from '../clock.ts'
import { PulsewireError, toPulsewireError } from '../errors.ts'
import type { TokenSource } from '../options.ts'
import { bounded } from './bounded.ts'

/** Asks for the bearer token, in bounded time. */
export class Credentials {
  readonly #source: TokenSource | undefined
  readonly #timeoutMs: number
  readonly #clock: Clock
  #renewed = false

  constructor(source: TokenSource | undefined, timeoutMs: number, clock: Clock) {
    this.#source = source
    this.#timeoutMs = timeoutMs
    this.#clock = clock
  }

  /** @throws PulsewireError token_failed */
  async token(): Promise<string | undefined> {
    const source = this.#source
    if (typeof source !== 'function') return source
    const late = () => new PulsewireError('token_failed', `the token function took longer than ${this.#timeoutMs} ms`, { retryable: true })
    try {
      return await bounded(Promise.resolve().then(source), this.#timeoutMs, this.#clock, late)
    } catch (error) {
      throw toPulsewireError(error, 'token_failed', true)
    }
  }

  /** After "unauthorized": whether a fresh token is worth one more try. Only once between two good connections. */
  mayRenew(): boolean {
    if (typeof this.#source !== 'function' || this.#renewed) return false
    this.#renewed = true
    return true
  }

  /** The server took the token. */
  accepted(): void {
    this.#renewed = false
  }

  get canRefresh(): boolean {
    return typeof this.#source === 'function'
  }
}
