import type { Timer } from '../clock.ts'
import { PulsewireError, toPulsewireError } from '../errors.ts'
import type { Settings } from '../options.ts'
import { Balancers } from '../parts.ts'
import { AddressBook, toAddresses } from './addresses.ts'
import { backoffMs } from './backoff.ts'
import { bounded } from './bounded.ts'

export interface GatewaysEvent {
  /** Best first. */
  readonly addresses: readonly string[]
  /** The balancers have lost their own view; these are the gateways that were good last. */
  readonly degraded: boolean
}

export interface GatewaysHost {
  onGateways(event: GatewaysEvent): void
  onError(error: PulsewireError): void
}

/** Where gateways are known, balancers get this long: a dead balancer must not hold up a move. */
const HURRIED_MS = 1_000
/** Balancers are not asked more often than this, whatever becomes of what they say. */
const ASK_INTERVAL_MIN_MS = 1_000
/** How often, about, the list is renewed while all is well, so that it is of use when everything else is down. */
const RENEW_MS = 300_000

/** Knows where gateways are: by a list, by a function, by balancers; and by what was known last where none of them answers. */
export class Gateways {
  readonly book = new AddressBook()
  /** The balancer that the list is from; none where it is from elsewhere. */
  via: string | undefined
  readonly #settings: Settings
  readonly #host: GatewaysHost
  readonly #balancers: Balancers | undefined
  #freshUntilMs = -Infinity
  #askNotBeforeMs = -Infinity
  #failures = 0
  /** Not told to a balancer yet. */
  #wasRefused = false
  #renewal: Timer | undefined
  #asking: Promise<number> | undefined

  constructor(settings: Settings, host: GatewaysHost) {
    this.#settings = settings
    this.#host = host
    if (settings.balancers.length > 0) this.#balancers = new Balancers(settings.balancers, settings.environment)
  }

  /**
   * Brings the list up to date, if that is possible and worth it.
   * @returns how long to wait before connecting, in ms: the balancers let a crowd in one by one.
   * @throws PulsewireError when no address is known at all.
   */
  async update(): Promise<number> {
    if (this.#balancers === undefined) {
      await this.#updateList()
      return 0
    }
    const nowMs = this.#settings.environment.clock.nowMs()
    if (this.book.size > 0) {
      // A gateway that asks us to leave has said where to go.
      if (this.book.hasSuggestion || nowMs < this.#askNotBeforeMs) return 0
      if (nowMs < this.#freshUntilMs && !this.book.exhausted) return 0
    }
    this.#asking ??= this.#ask(this.#balancers).finally(() => (this.#asking = undefined))
    return this.#asking
  }

  /** A gateway let us in not at all: full, starting, or gone. The next question says so. */
  refused(): void {
    this.#wasRefused = true
  }

  /** All is well. From time to time the list is renewed, each client at moments of its own. */
  keepFresh(): void {
    if (this.#balancers === undefined) return
    const { clock, random } = this.#settings.environment
    this.#wasRefused = false
    this.#renewal?.cancel()
    this.#renewal = clock.after((0.5 + random()) * RENEW_MS, () => {
      this.update().catch((error: unknown) => this.#host.onError(toPulsewireError(error, 'balancer_unavailable', true)))
      this.keepFresh()
    })
  }

  close(): void {
    this.#renewal?.cancel()
  }

  async #ask(balancers: Balancers): Promise<number> {
    const { connectTimeoutMs, environment, backoff } = this.#settings
    const { clock, random } = environment
    try {
      const { addresses, ttlMs, connectAfterMs, degraded, by } = await balancers.ask(
        this.book.size > 0 ? HURRIED_MS : connectTimeoutMs,
        this.#wasRefused,
      )
      if (addresses.length === 0) throw new PulsewireError('balancer_unavailable', 'the balancer knows no gateway', { retryable: true })
      const nowMs = clock.nowMs()
      this.#failures = 0
      this.#wasRefused = false
      this.#freshUntilMs = nowMs + ttlMs
      this.#askNotBeforeMs = nowMs + ASK_INTERVAL_MIN_MS
      this.book.setList(addresses)
      this.via = by
      this.#host.onGateways({ addresses, degraded })
      return connectAfterMs
    } catch (error) {
      const failure = toPulsewireError(error, 'balancer_unavailable', true)
      this.#askNotBeforeMs = clock.nowMs() + Math.max(ASK_INTERVAL_MIN_MS, backoffMs(this.#failures++, backoff, random))
      if (this.book.size === 0 && this.#settings.url !== undefined) await this.#updateList()
      if (this.book.size === 0) throw failure
      this.#host.onError(failure)
      return 0
    }
  }

  async #updateList(): Promise<void> {
    const { url, connectTimeoutMs, environment } = this.#settings
    this.via = undefined
    if (typeof url !== 'function') {
      this.book.setList(toAddresses(url ?? []))
      return
    }
    const late = () =>
      new PulsewireError('addresses_unavailable', `the url function took longer than ${connectTimeoutMs} ms`, { retryable: true })
    try {
      this.book.setList(toAddresses(await bounded(Promise.resolve().then(url), connectTimeoutMs, environment.clock, late)))
    } catch (error) {
      const failure = toPulsewireError(error, 'addresses_unavailable', true)
      // Whoever gave the list may be down; the gateways that it named last need not be.
      if (this.book.size === 0) throw failure
      this.#host.onError(failure)
    }
  }
}
