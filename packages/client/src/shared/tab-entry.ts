import { PENDING, type SymbolState } from '../freshness/state.ts'
import { Entry } from '../subscription/entry.ts'

/** A symbol in a tab: what it was told of it is one thing, whether that still holds another. */
export class TabEntry extends Entry {
  told: SymbolState = PENDING
  /** Its image is from before the tab was linked anew: what came in between is not known. */
  isOld = false
}
