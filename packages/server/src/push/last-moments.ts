import type { SymbolState } from '../hub/index.ts'
import { type Content, imageOf } from './succession.ts'

/** Of symbols that had several records within one millisecond: what they were before the last of them. */
export class LastMoments {
  readonly #bySymbol = new Map<string, { readonly ts: number; readonly images: Content[] }>()

  /** Called before the symbol gets a record of this time. */
  note(symbol: SymbolState, ts: number): void {
    const known = this.#bySymbol.get(symbol.name)
    if (symbol.offset < 0 || symbol.ts !== ts) this.#bySymbol.delete(symbol.name)
    else if (known?.ts === ts) known.images.push(imageOf(symbol))
    else this.#bySymbol.set(symbol.name, { ts, images: [imageOf(symbol)] })
  }

  /** Oldest first. */
  before({ name, ts }: SymbolState): readonly Content[] {
    const known = this.#bySymbol.get(name)
    return known?.ts === ts ? known.images : []
  }
}
