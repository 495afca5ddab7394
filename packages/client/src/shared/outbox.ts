import { PulsewireError } from '../errors.ts'
import { conflate, Update } from '../subscription/update.ts'
import type { Bunch, HostItem } from './messages.ts'

/** Bunches that a tab may have taken without saying so. What is due beyond waits here, conflated. */
const IN_FLIGHT_MAX = 16
/** Of what cannot be conflated, so much waits for a tab; it is given up then. */
const ITEMS_MAX = 20_000

type StatesOf = (id: number, symbols: ReadonlySet<string>) => HostItem | undefined

/** What is due of one subscription, as little as it can be. */
interface Due {
  /** `latest`: the newest of each symbol. */
  readonly updates: Map<string, Update>
  readonly states: Set<string>
  own: boolean
}

/**
 * What is to be sent to one tab. It goes in bunches that the tab acknowledges: a tab that the browser has frozen takes
 * nothing, and what waits for it must not grow. Updates of `latest` are conflated, states are told as they are then.
 */
export class Outbox {
  readonly #post: (bunch: Bunch) => void
  /** What the state of a subscription and its symbols is, when it is to be told. */
  readonly #statesOf: StatesOf
  readonly #dues = new Map<number, Due>()
  #items: HostItem[] = []
  #bunch = 0
  #acked = 0
  #soon = false

  constructor(post: (bunch: Bunch) => void, statesOf: StatesOf) {
    this.#post = post
    this.#statesOf = statesOf
  }

  get isWaiting(): boolean {
    return this.#bunch - this.#acked >= IN_FLIGHT_MAX
  }

  get hasUnacked(): boolean {
    return this.#bunch > this.#acked
  }

  /** In its order, behind everything that was put in before. @returns false when too much waits. */
  push(item: HostItem): boolean {
    if (this.#items.length >= ITEMS_MAX) return false
    this.#items.push(item)
    this.#flushSoon()
    return true
  }

  /** The last word, whatever waits. */
  last(item: HostItem): void {
    this.#post({ bunch: ++this.#bunch, items: [item] })
  }

  /** @throws PulsewireError consumer_too_slow: an update of `every` that has no room. */
  update(id: number, update: Update): void {
    if (Update.partsOf(update).every) {
      if (this.push({ t: 'update', id, parts: cloneable(update) })) return
      throw new PulsewireError('consumer_too_slow', `more than ${ITEMS_MAX} updates were waiting for a tab`, { retryable: true })
    }
    const { updates } = this.#due(id)
    const waiting = updates.get(update.symbol)
    updates.set(update.symbol, waiting === undefined ? update : conflate(waiting, update))
    this.#flushSoon()
  }

  states(id: number, symbols: Iterable<string>): void {
    const due = this.#due(id)
    for (const symbol of symbols) due.states.add(symbol)
    due.own = true
    this.#flushSoon()
  }

  /** Nothing of this subscription is wanted any more. */
  drop(id: number): void {
    this.#dues.delete(id)
    this.#items = this.#items.filter((item) => !('id' in item) || item.id !== id)
  }

  acked(bunch: number): void {
    this.#acked = Math.max(this.#acked, Math.min(bunch, this.#bunch))
    this.#flushSoon()
  }

  #due(id: number): Due {
    let due = this.#dues.get(id)
    if (due === undefined) this.#dues.set(id, (due = { updates: new Map(), states: new Set(), own: false }))
    return due
  }

  #flushSoon(): void {
    if (this.#soon) return
    this.#soon = true
    queueMicrotask(() => {
      this.#soon = false
      this.#flush()
    })
  }

  /** Updates before states: what is called live has been given. */
  #flush(): void {
    if (this.isWaiting) return
    const items = this.#items
    this.#items = []
    for (const [id, { updates }] of this.#dues)
      for (const update of updates.values()) items.push({ t: 'update', id, parts: cloneable(update) })
    for (const [id, { states, own }] of this.#dues) {
      const item = own ? this.#statesOf(id, states) : undefined
      if (item !== undefined) items.push(item)
    }
    this.#dues.clear()
    if (items.length > 0) this.#post({ bunch: ++this.#bunch, items })
  }
}

/** Names may grow behind our back while it waits. */
function cloneable(update: Update) {
  const parts = Update.partsOf(update)
  return { ...parts, names: parts.names.slice(0, parts.fields.length) }
}
