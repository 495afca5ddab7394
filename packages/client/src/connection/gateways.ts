import { PulsewireError, toPulsewireError } from '../errors.ts'
import type { Settings } from '../options.ts'
import { AddressBook, toAddresses } from './addresses.ts'
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

/** Knows where gateways are by what the application names: a list, or a function that gives one. */
export class Gateways {
  readonly book = new AddressBook()
  /** The balancer that the list is from; none where it is from elsewhere. */
  via: string | undefined
  protected readonly settings: Settings
  protected readonly host: GatewaysHost

  constructor(settings: Settings, host: GatewaysHost) {
    this.settings = settings
    this.host = host
  }

  /**
   * Brings the list up to date, if that is possible and worth it.
   * @returns how long to wait before connecting, in ms: balancers let a crowd in one by one.
   * @throws PulsewireError when no address is known at all.
   */
  async update(): Promise<number> {
    await this.updateList()
    return 0
  }

  /** A gateway wants us to leave and names others. @returns those that were taken. */
  suggested(addresses: readonly string[], from: string): readonly string[] {
    return this.book.suggest(addresses, from)
  }

  /** A gateway let us in not at all: full, starting, or gone. The next question says so. */
  refused(): void {}

  /** All is well. From time to time the list is renewed, each client at moments of its own. */
  keepFresh(): void {}

  /** Names the gateways of our own zone as the next ones. @returns whether the zone of this address is another, and ours is there. */
  turnHome(_from: string): boolean {
    return false
  }

  close(): void {}

  /** Takes what the application names, now. */
  protected async updateList(): Promise<void> {
    const { url, connectTimeoutMs, environment } = this.settings
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
      this.host.onError(failure)
    }
  }
}
