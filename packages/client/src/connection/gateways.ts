import type { Timer } from '../clock.ts'
import { PulsewireError, toPulsewireError } from '../errors.ts'
import type { Settings } from '../options.ts'
import { Balancers, Zones } from '../parts.ts'
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

/** Knows where gateways are: by a list, by a function, by balancers; and by what was known last where none of them answers. */
export class Gateways {
  readonly book = new AddressBook()
  /** The balancer that the list is from; none where it is from elsewhere. */
  via: string | undefined
  readonly #settings: Settings
  readonly #host: GatewaysHost
  readonly #balancers: Balancers | undefined
  readonly #zones: Zones | undefined
  #freshUntilMs = -Infinity
  #askNotBeforeMs = -Infinity
  #failures = 0
  /** Not told to a balancer yet. */
  #wasRefused = false
  #renewal: Timer | undefined
  readonly #onRenewed: () => void
  #asking: Promise<number> | undefined

  /** @param onRenewed the list was renewed while all is well, and our turn to connect by it has come. */
  constructor(settings: Settings, host: GatewaysHost, onRenewed: () => void) {
    this.#settings = settings
    this.#host = host
    this.#onRenewed = onRenewed
    if (settings.balancers.length === 0) return
    this.#balancers = new Balancers(settings.balancers, settings.environment)
    this.#zones = new Zones(settings.zone, this.book)
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

  /** A gateway wants us to leave and names others. */
  suggested(addresses: readonly string[], from: string): void {
    const taken = this.book.suggest(addresses, from)
    this.#zones?.suggested(taken, from)
  }

  /** A gateway let us in not at all: full, starting, or gone. The next question says so. */
  refused(): void {
    this.#wasRefused = true
  }

  /** All is well. From time to time the list is renewed, each client at moments of its own. */
  keepFresh(): void {
    const balancers = this.#balancers
    if (balancers === undefined) return
    const { environment, gatewaysRenewMs } = this.#settings
    this.#wasRefused = false
    this.#renewal?.cancel()
    this.#renewal = environment.clock.after((0.5 + environment.random()) * gatewaysRenewMs, () => void this.#renew(balancers))
  }

  /** Names the gateways of our own zone as the next ones. @returns whether the zone of this address is another, and ours is there. */
  turnHome(from: string): boolean {
    return this.#zones?.turnHome(from) === true
  }

  close(): void {
    this.#renewal?.cancel()
    this.#renewal = undefined
  }

  async #renew(balancers: Balancers): Promise<void> {
    this.keepFresh()
    const next = this.#renewal
    try {
      const turnInMs = await (this.#asking ??= this.#ask(balancers).finally(() => (this.#asking = undefined)))
      // Meanwhile something else has begun, or ended.
      if (this.#renewal !== next) return
      next?.cancel()
      this.#renewal = this.#settings.environment.clock.after(turnInMs, () => {
        this.keepFresh()
        this.#onRenewed()
      })
    } catch (error) {
      this.#host.onError(toPulsewireError(error, 'balancer_unavailable', true))
    }
  }

  async #ask(balancers: Balancers): Promise<number> {
    const { connectTimeoutMs, environment, backoff } = this.#settings
    const { clock, random } = environment
    try {
      const { addresses, zones, ttlMs, connectAfterMs, degraded, by } = await balancers.ask(
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
      // The balancers know more than whoever was going away.
      this.book.suggest([], by)
      this.#zones?.learn(zones, degraded)
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
