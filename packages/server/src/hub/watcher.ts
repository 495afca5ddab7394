import type { SymbolState } from './symbol.ts'

/** Looks at records on their way into the hub, for traces. */
export interface RecordWatcher {
  /** The record went into the symbol, which nobody has been sent yet. */
  read(symbol: SymbolState, record: { readonly headers?: ReadonlyMap<string, Uint8Array> }, topic: string): void
}
