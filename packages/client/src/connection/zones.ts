import type { AddressBook } from './addresses.ts'

/** Of so many addresses it is remembered in which zone they are: those of the last lists. */
const ZONES_MAX = 100

/** Where gateways are that balancers named, so that a client which another zone serves finds home. */
export class Zones {
  readonly #own: string | undefined
  readonly #book: AddressBook
  /** Of the gateways that were named last: address → zone. */
  readonly #zones = new Map<string, string>()
  /** The newest list begins with a proven gateway of our own zone. */
  #isHomeThere = false

  constructor(own: string | undefined, book: AddressBook) {
    this.#own = own
    this.#book = book
  }

  /** Balancers gave a new list. */
  learn(zones: ReadonlyMap<string, string>, degraded: boolean): void {
    for (const [address, zone] of zones) {
      // Last in the row, so that what goes is what was named longest ago.
      this.#zones.delete(address)
      this.#zones.set(address, zone)
    }
    for (const address of this.#zones.keys()) if (this.#zones.size > ZONES_MAX) this.#zones.delete(address)
    const [first] = zones.values()
    this.#isHomeThere = !degraded && first !== undefined && first === this.#own
  }

  /** A gateway named others, which are of its own zone. */
  suggested(addresses: readonly string[], from: string): void {
    const zone = this.#zones.get(from)
    for (const address of addresses) if (zone !== undefined && !this.#zones.has(address)) this.#zones.set(address, zone)
  }

  /** Names the gateways of our own zone as the next ones. @returns whether the zone of this address is another, and ours is there. */
  turnHome(from: string): boolean {
    const at = this.#zones.get(from)
    if (!this.#isHomeThere || at === undefined || at === this.#own) return false
    this.#book.suggest(
      this.#book.list.filter((address) => this.#zones.get(address) === this.#own),
      from,
    )
    return true
  }
}
