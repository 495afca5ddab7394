import { STREAM_PATH } from '@pulsewire/protocol'
import { PulsewireError } from '../errors.ts'

/**
 * Makes URLs of what the application gave.
 * @throws PulsewireError address_invalid
 */
export function toAddresses(list: string | readonly string[]): string[] {
  const addresses = typeof list === 'string' ? [list] : Array.isArray(list) ? (list as readonly string[]) : []
  if (addresses.length === 0) throw new PulsewireError('address_invalid', 'there must be at least one address')
  return [...new Set(addresses.map(toAddress))]
}

/** The same for one. @throws PulsewireError address_invalid */
export function toAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^wss?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new PulsewireError('address_invalid', `'${text}' is no ws:// or wss:// address`)
  }
  if (url.pathname === '/') url.pathname = STREAM_PATH
  url.hash = ''
  return url.href
}

/**
 * Which address comes next. In the order of the list, those that failed at the end of the queue, so that every address
 * gets its turn before one is tried twice. Keeps the last good list where a new one cannot be had.
 */
export class AddressBook {
  #list: readonly string[] = []
  /** Named by a server that is going away; first choice until the next list. */
  #suggested: readonly string[] = []
  /** Address → when it failed last, as a growing number. */
  readonly #failed = new Map<string, number>()
  #failures = 0

  /** As it was given last. */
  get list(): readonly string[] {
    return this.#list
  }

  get size(): number {
    return new Set([...this.#suggested, ...this.#list]).size
  }

  /** Whether a server that is going away has named addresses that were not tried yet. */
  get hasSuggestion(): boolean {
    return this.#suggested.length > 0
  }

  /** Whether every address of the list has failed since it was good last. */
  get exhausted(): boolean {
    return this.#list.every((address) => this.#failed.has(address))
  }

  setList(list: readonly string[]): void {
    this.#list = list
    for (const address of this.#failed.keys()) if (!list.includes(address)) this.#failed.delete(address)
  }

  /**
   * Takes addresses that a server named. They get our token, so an encrypted connection never leads to a plain one.
   * @param from address of that server.
   * @returns those that were taken.
   */
  suggest(addresses: readonly string[], from: string): readonly string[] {
    const good: string[] = []
    for (const text of addresses) {
      try {
        const address = toAddress(text)
        if (address.startsWith('wss:') || from.startsWith('ws:')) good.push(address)
      } catch {
        // A server's mistake; the list of the application is still there.
      }
    }
    this.#suggested = good
    // Whoever names them knows more than our last attempt.
    for (const address of good) this.#failed.delete(address)
    return good
  }

  failed(address: string): void {
    this.#failed.set(address, ++this.#failures)
    this.#suggested = this.#suggested.filter((each) => each !== address)
  }

  succeeded(address: string): void {
    this.#failed.delete(address)
  }

  /** @param avoid taken only when there is nothing else, in their order. */
  next(...avoid: (string | undefined)[]): string | undefined {
    let best: string | undefined
    let bestRank = Infinity
    for (const address of new Set([...this.#suggested, ...this.#list])) {
      const avoided = avoid.indexOf(address)
      const rank = avoided >= 0 ? Number.MAX_SAFE_INTEGER - avoided : (this.#failed.get(address) ?? 0)
      if (rank < bestRank) {
        best = address
        bestRank = rank
      }
    }
    return best
  }

  /** Whether there is an address other than this one. */
  hasOther(address: string): boolean {
    return [...this.#suggested, ...this.#list].some((each) => each !== address)
  }
}
