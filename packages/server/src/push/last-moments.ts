import type { Content, SymbolState } from '../hub/index.ts'
import { imageOf } from './succession.ts'

/** Of one symbol within one millisecond; whoever writes more of it in that time gets the last ones again after the switch. */
const IMAGES_MAX = 64

/** Of symbols that had several records within one millisecond: what they were before the last of them. */
export class LastMoments {
  readonly #bySymbol = new Map<string, { readonly ts: number; readonly images: Content[] }>()

  /** Called before the symbol gets a record of this time. */
  note(symbol: SymbolState, ts: number): void {
    const known = this.#bySymbol.get(symbol.name)
    if (symbol.offset < 0 || symbol.ts !== ts) this.#bySymbol.delete(symbol.name)
    else if (known?.ts === ts) {
      if (known.images.length === IMAGES_MAX) known.images.shift()
      known.images.push(imageOf(symbol))
    } else this.#bySymbol.set(symbol.name, { ts, images: [imageOf(symbol)] })
  }

  /** Oldest first. */
  before({ name, ts }: SymbolState): readonly Content[] {
    const known = this.#bySymbol.get(name)
    return known?.ts === ts ? known.images : []
  }
}
