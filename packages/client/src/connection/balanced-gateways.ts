import type { Timer } from '../clock.ts'
import { PulsewireError, toPulsewireError } from '../errors.ts'
import type { Settings } from '../options.ts'
import { backoffMs } from './backoff.ts'
import { Balancers } from './balancers.ts'
import { Gateways, type GatewaysHost } from './gateways.ts'
import { Zones } from './zones.ts'

/** Where gateways are known, balancers get this long: a dead balancer must not hold up a move. */
const HURRIED_MS = 2_000
/** Whoever goes by an old list may be one of a crowd that no balancer has put into a row: it comes within this time, not at once. */
const UNTOLD_MS_MAX = 1_000
/** Balancers are not asked more often than this, whatever becomes of what they say. */
const ASK_INTERVAL_MIN_MS = 1_000

/** Asks balancers; falls back to what was known last, and to the list, where none of them answers. */
export class BalancedGateways extends Gateways {
  readonly #balancers: Balancers
  readonly #zones: Zones
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
    super(settings, host)
    this.#onRenewed = onRenewed
    this.#balancers = new Balancers(settings.balancers, settings.environment)
    this.#zones = new Zones(settings.zone, this.book)
  }

  override async update(): Promise<number> {
    const nowMs = this.settings.environment.clock.nowMs()
    if (this.book.size > 0) {
      // A gateway that asks us to leave has said where to go.
      if (this.book.hasSuggestion || nowMs < this.#askNotBeforeMs) return 0
      if (nowMs < this.#freshUntilMs && !this.book.exhausted) return 0
    }
    return this.#askOnce()
  }

  override suggested(addresses: readonly string[], from: string): readonly string[] {
    const taken = super.suggested(addresses, from)
    this.#zones.suggested(taken, from)
    return taken
  }

  override refused(): void {
    this.#wasRefused = true
  }

  override keepFresh(): void {
    const { environment, gatewaysRenewMs } = this.settings
    this.#wasRefused = false
    this.#renewal?.cancel()
    this.#renewal = environment.clock.after((0.5 + environment.random()) * gatewaysRenewMs, () => void this.#renew())
  }

  override turnHome(from: string): boolean {
    return this.#zones.turnHome(from)
  }

  override close(): void {
    this.#renewal?.cancel()
    this.#renewal = undefined
  }

  #askOnce(): Promise<number> {
    return (this.#asking ??= this.#ask().finally(() => (this.#asking = undefined)))
  }

  async #renew(): Promise<void> {
    this.keepFresh()
    const next = this.#renewal
    try {
      const turnInMs = await this.#askOnce()
      // Meanwhile something else has begun, or ended.
      if (this.#renewal !== next) return
      next?.cancel()
      this.#renewal = this.settings.environment.clock.after(turnInMs, () => {
        this.keepFresh()
        this.#onRenewed()
      })
    } catch (error) {
      this.host.onError(toPulsewireError(error, 'balancer_unavailable', true))
    }
  }

  async #ask(): Promise<number> {
    const { connectTimeoutMs, environment } = this.settings
    const { clock, random } = environment
    try {
      const { addresses, zones, ttlMs, connectAfterMs, degraded, by } = await this.#balancers.ask(
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
      this.#zones.learn(zones, degraded)
      this.via = by
      this.host.onGateways({ addresses, degraded })
      return connectAfterMs
    } catch (error) {
      const failure = toPulsewireError(error, 'balancer_unavailable', true)
      this.#askNotBeforeMs = clock.nowMs() + Math.max(ASK_INTERVAL_MIN_MS, backoffMs(this.#failures++, this.settings, random))
      if (this.book.size === 0 && this.settings.url !== undefined) await this.updateList()
      if (this.book.size === 0) throw failure
      this.host.onError(failure)
      return random() * UNTOLD_MS_MAX
    }
  }
}
