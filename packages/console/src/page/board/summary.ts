import type { ClientState, PartitionReport, PulsewireClient, PulsewireError, StateName, Subscription, SymbolState } from '@pulsewire/client'
import { ChainView, type Chain } from './chain.ts'
import { RateMeter } from './rate.ts'
import type { Row } from './row.ts'

/** Something is stale: since when, where and why. */
export interface Trouble {
  readonly sinceMs: number
  readonly state: SymbolState
  /** Whether nothing at all is live. */
  readonly everything: boolean
}

/** The board in a few numbers. */
export interface Summary {
  readonly connection: ClientState
  /** Name of the gateway that serves, or that served last. */
  readonly node: string | undefined
  readonly url: string | undefined
  /** The bound beyond which data is stale. */
  readonly staleAfterMs: number | undefined
  /** Why there is no connection. */
  readonly error: string | undefined
  readonly chain: Chain
  readonly partitions: readonly PartitionReport[]
  /** Deliveries per second. */
  readonly updatesPerSecond: number
  /** Records of the log that they stood for, per second. */
  readonly recordsPerSecond: number
  /** How late the feed is shown, in ms: 0 where it is not, undefined while nobody has said. */
  readonly delayMs: number | undefined
  readonly counts: Readonly<Record<StateName, number>>
  readonly trouble: Trouble | null
}

/** Draws up the summary from the client and the rows. */
export class Summariser {
  readonly #client: PulsewireClient
  readonly #feed: string
  readonly #chain = new ChainView()
  readonly #updates = new RateMeter()
  readonly #records = new RateMeter()
  #node: string | undefined
  #url: string | undefined
  #staleAfterMs: number | undefined
  #error: string | undefined
  /** The last data age that the client could tell, and when: it goes on growing while nobody is connected. */
  #known: { ageMs: number; atMs: number } | undefined

  constructor(client: PulsewireClient, feed: string) {
    this.#client = client
    this.#feed = feed
  }

  count(records: number): void {
    this.#updates.add(1)
    this.#records.add(records)
  }

  onSession(): void {
    this.#chain.forget()
    this.#error = undefined
  }

  onClientState(error: PulsewireError | undefined): void {
    if (error !== undefined) this.#error = error.message
  }

  summarise(rows: Iterable<Row>, subscription: Pick<Subscription, 'state' | 'delayMs'>, nowMs: number): Summary {
    const { state: worst, delayMs } = subscription
    const { session, state } = this.#client
    this.#node = session?.node ?? this.#node
    this.#url = session?.url ?? this.#url
    this.#staleAfterMs = session?.staleAfterMs ?? this.#staleAfterMs
    const partitions = this.#client.freshness(this.#feed)
    const { counts, first } = survey(rows)
    const stale = first ?? (worst.state === 'stale' ? worst : undefined)
    return {
      connection: state,
      node: this.#node,
      url: this.#url,
      staleAfterMs: this.#staleAfterMs,
      error: session === undefined ? this.#error : undefined,
      chain: this.#chain.update(partitions, nowMs),
      partitions,
      updatesPerSecond: this.#updates.perSecond(nowMs),
      recordsPerSecond: this.#records.perSecond(nowMs),
      delayMs,
      counts,
      trouble: stale === undefined ? null : { sinceMs: stale.sinceMs ?? nowMs, state: stale, everything: counts.live === 0 },
    }
  }

  dataAgeMs(nowMs: number): number | undefined {
    let oldestMs: number | undefined
    for (const { ageMs } of this.#client.freshness(this.#feed)) if (ageMs !== undefined) oldestMs = Math.max(oldestMs ?? 0, ageMs)
    if (oldestMs !== undefined) this.#known = { ageMs: oldestMs, atMs: nowMs }
    return this.#known === undefined ? undefined : this.#known.ageMs + (nowMs - this.#known.atMs)
  }
}

/** Counts rows by state, and finds the state that has been stale for longest. */
function survey(rows: Iterable<Row>): { counts: Record<StateName, number>; first: SymbolState | undefined } {
  const counts = { pending: 0, live: 0, stale: 0, ended: 0 }
  let first: SymbolState | undefined
  for (const { state } of rows) {
    counts[state.state]++
    if (state.state === 'stale' && (first === undefined || state.sinceMs! < first.sinceMs!)) first = state
  }
  return { counts, first }
}
