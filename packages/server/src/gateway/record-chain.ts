import type { ReceivedImage } from '@pulsewire/protocol'
import type { SymbolState } from '../hub/index.ts'
import type { LinkBook } from './link-book.ts'
import type { Link } from './link.ts'
import { asSnapshot } from './received.ts'
import type { SymbolSource } from './symbol-source.ts'

/** What the chain makes happen. */
export interface ChainHost {
  /** The link has given everything of the symbol up to now. */
  cover(link: Link, source: SymbolSource): void
  uncover(link: Link, source: SymbolSource): void
  /** Whether another link brings the symbol's records of this partition. */
  isBroughtByOthers(link: Link, source: SymbolSource, partition: number): boolean
  /** Asks the link for the symbol, from where we stand. */
  ask(link: Link, source: SymbolSource): void
  /** Takes an update into the hub; `missed` records before it are lost. */
  take(link: Link, book: LinkBook, source: SymbolSource, image: ReceivedImage, missed: number): void
}

/**
 * Keeps the records of `every` feeds without holes. Each record names the one before it. A record that leaves a hole is
 * not taken while the rest may still come, from the link's history or from another link.
 */
export class RecordChain {
  readonly counts = { gaps: 0, refills: 0 }
  readonly #host: ChainHost

  constructor(host: ChainHost) {
    this.#host = host
  }

  /** @returns whether the update leaves a hole, and is dealt with. */
  breaks(link: Link, book: LinkBook, source: SymbolSource, image: ReceivedImage): boolean {
    const { symbol } = source
    const isResumed = book.resumed.delete(image.ref)
    if (!source.hasBegun || !symbol.isNewer(image)) return false
    const isBehind = book.ahead.has(source) || book.refilling.has(source)
    if (isNext(image, symbol, { isBehind, isResumed })) {
      book.ahead.delete(source)
      if (!book.awaiting.has(source)) this.#host.cover(link, source)
      return false
    }
    if (book.ahead.has(source)) this.catchUp(link, book, source, image.ref)
    else if (!book.refilling.has(source)) this.refill(link, book, source)
    return true
  }

  /** Asks the link for everything after our position; until it has answered, its updates of the symbol are not taken. */
  refill(link: Link, book: LinkBook, source: SymbolSource): void {
    if (source.symbol.feed.history === null) return
    this.counts.refills++
    this.#host.uncover(link, source)
    book.refilling.add(source)
    source.named = true
    this.#host.ask(link, source)
  }

  /** The link has come to the record that we hold, at its place in the topic that the feed has moved to: from there it goes on. */
  aligned(link: Link, book: LinkBook, source: SymbolSource): void {
    if (book.ahead.delete(source) && !book.awaiting.has(source)) this.#host.cover(link, source)
  }

  /** The link is ahead and has no more of what lies between: another link brings it, or it is lost and said to be so. */
  catchUp(link: Link, book: LinkBook, source: SymbolSource, ref: number): void {
    const image = link.decoder.image(ref)
    if (image === undefined || image.offset < 0) return
    if (source.symbol.isNewer(image) && !isBehindInTime(image, source.symbol)) {
      // Until then the link does not speak for the symbol, though it may have by another of its refs.
      if (this.#host.isBroughtByOthers(link, source, image.partition)) return this.#host.uncover(link, source)
      this.counts.gaps++
      this.#host.take(link, book, source, asSnapshot(image), 1)
    }
    book.ahead.delete(source)
    book.awaiting.delete(source)
    this.#host.cover(link, source)
  }
}

/** Whether the link has come to the next topic, and there not as far yet as we have been brought in the one before. */
function isBehindInTime(image: ReceivedImage, symbol: SymbolState): boolean {
  return image.generation > symbol.generation && image.ts <= symbol.ts
}

/** Whether no record lies between the image's and what the symbol is at. */
function isNext(image: ReceivedImage, symbol: SymbolState, link: { readonly isBehind: boolean; readonly isResumed: boolean }): boolean {
  if (symbol.offset < 0) return image.prev < 0
  // The first record of another partition names none before it, or, of another topic, one that was passed over. It is
  // the next all the same where the link goes on from a record that we have.
  const isOther = image.prev < 0 || image.generation > symbol.generation
  return isOther ? !link.isBehind && (link.isResumed || !image.snapshot) : follows(image, symbol)
}

/** Whether the record before the image's is the one that the symbol is at. */
function follows(image: ReceivedImage, symbol: SymbolState): boolean {
  return image.generation === symbol.generation && image.partition === symbol.partition && image.prev === symbol.offset
}
