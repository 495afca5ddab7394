import type { QuoteClient } from '../client.ts'
import type { Clock } from '../clock.ts'
import { PulsewireError } from '../errors.ts'
import { PENDING } from '../freshness/state.ts'
import type { Subscription } from '../subscription/subscription.ts'
import { type HostItem, plainError, SHARED_VERSION, type TabMessage } from './messages.ts'
import { Outbox } from './outbox.ts'

/** A tab that has taken nothing for so long is given up: closed without a word, or frozen. */
export const RELEASE_AFTER_MS = 30_000
/** Where nothing is live there is nothing to expire, but whoever says so has to be heard all the same. */
const QUIET_MS = 5_000

export interface TabPort {
  postMessage(message: unknown): void
  close(): void
}

/** One tab, as whoever has the connection sees it: its subscriptions are those of one client of all tabs. */
export class TabSession {
  readonly #client: QuoteClient
  readonly #port: TabPort
  readonly #clock: Clock
  readonly #outbox: Outbox
  readonly #subscriptions = new Map<number, Subscription>()
  #takenAtMs: number

  constructor(client: QuoteClient, port: TabPort, clock: Clock) {
    this.#client = client
    this.#port = port
    this.#clock = clock
    this.#takenAtMs = clock.nowMs()
    this.#outbox = new Outbox(
      (bunch) => port.postMessage(bunch),
      (id, symbols) => this.#statesOf(id, symbols),
    )
  }

  /** Whether it has taken nothing for so long that it has to be given up. */
  get isLost(): boolean {
    return this.#outbox.hasUnacked && this.#clock.nowMs() - this.#takenAtMs > RELEASE_AFTER_MS
  }

  tell(item: HostItem): void {
    this.#outbox.push(item)
  }

  /** @returns false when it is of another version. */
  welcome(version: number): boolean {
    const isOurs = version === SHARED_VERSION
    this.tell({ t: isOurs ? 'welcome' : 'refused' })
    if (isOurs) this.beat()
    return isOurs
  }

  handle(message: TabMessage): void {
    switch (message.t) {
      case 'subscribe':
        return this.#subscribe(message.id, message.options)
      case 'add':
        return this.#subscriptions.get(message.id)?.add(message.symbols)
      case 'remove':
        return this.#subscriptions.get(message.id)?.remove(message.symbols)
      case 'unsubscribe':
        return this.#end(message.id)
      case 'connect':
        return this.#client.connect()
      case 'ack':
        if (!this.#outbox.hasUnacked) return
        this.#takenAtMs = this.#clock.nowMs()
        return this.#outbox.acked(message.bunch)
      default:
    }
  }

  /** Says that all is as it was told, and for how long that holds. Not to one who takes nothing: it shall notice. */
  beat(): void {
    if (!this.#outbox.hasUnacked) this.#takenAtMs = this.#clock.nowMs()
    if (this.#outbox.isWaiting) return
    const { state, session, clockOffsetMs: offsetMs } = this.#client
    const delays = new Map([...this.#subscriptions.values()].map(({ feed, delayMs }) => [feed, delayMs]))
    const feeds = [...delays].map(([feed, delayMs]) => [feed, this.#client.freshness(feed), delayMs] as const)
    let liveForMs = Infinity
    for (const [, reports] of feeds)
      for (const { state: own, ageMs } of reports)
        if (own.state === 'live' && ageMs !== undefined) liveForMs = Math.min(liveForMs, session!.staleAfterMs - ageMs)
    this.tell({ t: 'beat', state, session, offsetMs, liveForMs: liveForMs === Infinity ? QUIET_MS : liveForMs, feeds })
  }

  /** Releases all that it had. */
  end(isReleased: boolean): void {
    for (const id of this.#subscriptions.keys()) this.#end(id)
    // It reads that when it wakes, and closes its port itself.
    if (isReleased) this.#outbox.last({ t: 'released' })
    // What was told last goes out before.
    else queueMicrotask(() => queueMicrotask(() => this.#port.close()))
  }

  #subscribe(id: number, options: Parameters<QuoteClient['subscribe']>[0]): void {
    const { queueMax: _, ...wanted } = options
    try {
      const subscription = this.#client.subscribe(wanted, {
        onUpdate: (update) => {
          try {
            this.#outbox.update(id, update)
          } catch (error) {
            this.#over(id, error as PulsewireError)
          }
        },
        onState: (_state, { symbols }) => this.#outbox.states(id, symbols),
        onEnded: (event) => this.tell({ t: 'ended', id, event }),
        onGap: (gap) => this.tell({ t: 'gap', id, gap }),
        onResume: (event) => this.tell({ t: 'resume', id, event }),
      })
      this.#subscriptions.set(id, subscription)
      this.#outbox.states(id, [])
    } catch (error) {
      this.#over(id, error instanceof PulsewireError ? error : new PulsewireError('options_invalid', String(error)))
    }
  }

  #statesOf(id: number, symbols: ReadonlySet<string>): HostItem | undefined {
    const subscription = this.#subscriptions.get(id)
    if (subscription === undefined) return undefined
    const rows = [...symbols].map((symbol) => [symbol, subscription.get(symbol)?.state ?? PENDING] as const)
    return { t: 'states', id, own: subscription.state, symbols: rows }
  }

  #over(id: number, error: PulsewireError): void {
    this.#end(id)
    this.#outbox.push({ t: 'over', id, error: plainError(error) })
  }

  #end(id: number): void {
    this.#outbox.drop(id)
    const subscription = this.#subscriptions.get(id)
    this.#subscriptions.delete(id)
    subscription?.close()
  }
}
