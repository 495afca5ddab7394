import type { SymbolState } from '../freshness/state.ts'
import type { Entry } from './entry.ts'
import type { Values } from './update.ts'

/** What a view asks its registry. */
export interface ViewSource {
  /** Brings all states up to this very moment. */
  settle(): void
  ageMs(entry: Entry): number | undefined
  /** When something came at `receivedAtMs`, by the sender's clock. */
  senderTimeMs(receivedAtMs: number): number
}

/** One symbol of a subscription. A window, not a copy: every read tells how it is now. */
export class SymbolView {
  readonly #entry: Entry
  readonly #source: ViewSource

  constructor(entry: Entry, source: ViewSource) {
    this.#entry = entry
    this.#source = source
  }

  get symbol(): string {
    return this.#entry.symbol
  }

  /** Its own state, judged at the time of reading: never `live` when the proof is older than the bound. */
  get state(): SymbolState {
    this.#source.settle()
    return this.#entry.reported
  }

  /** The image, frozen; undefined before the first update. Kept while stale. */
  get values(): Values | undefined {
    return this.#entry.latest?.values
  }

  /** The value on a feed of codec `raw`. */
  get raw(): Uint8Array | undefined {
    return this.#entry.latest?.raw ?? undefined
  }

  get position(): string | undefined {
    return this.#entry.latest?.position
  }

  /** Timestamp of the newest record, Unix ms by its writer. Old on a quiet symbol, which is no sign of staleness. */
  get ts(): number | undefined {
    return this.#entry.latest?.ts
  }

  /** Records that the last update stood for. */
  get n(): number | undefined {
    return this.#entry.latest?.n
  }

  /** Data age in ms: how long ago it was proven at the source that this is the newest value. */
  get ageMs(): number | undefined {
    return this.#source.ageMs(this.#entry)
  }

  /** From the record's timestamp until the last update came, in ms; as good as the writer's wall clock. */
  get latencyMs(): number | undefined {
    const latest = this.#entry.latest
    return latest === null ? undefined : this.#source.senderTimeMs(latest.receivedAtMs) - latest.ts
  }

  /** Whether the last resumption after a reconnect lost nothing; undefined before the first. */
  get recovered(): boolean | undefined {
    return this.#entry.recovered
  }

  toJSON(): object {
    const { symbol, state, values, position, ts, ageMs, latencyMs, n, recovered } = this
    return { symbol, state, values, position, ts, ageMs, latencyMs, n, recovered }
  }
}
