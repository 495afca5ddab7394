import type { ReceivedImage } from '@pulsewire/protocol'
import type { Feed, SymbolState } from '../hub/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { LinkBook } from './link-book.ts'
import type { Link } from './link.ts'

/** Both lines switch by the same records; what is under way from the slower one then is here by now. */
const FINISH_MS = 5000
/** Copies in the newer topic of what such a node gave may come so late. */
const COPIES_MS = 15_000
/** A node that has not followed by then was left behind. */
const LEFT_BEHIND_AFTER_MS = 2000

/** Nodes that serve a generation of a feed that is over, or that nothing confirms: they are not believed, and they are named. */
export class Outdated {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #switchedAtMs = new Map<Feed, number>()
  /** Told once each. */
  readonly #otherDelays = new WeakSet<Link>()
  readonly #sinceMs = new WeakMap<LinkBook, Map<Feed, number>>()

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** A push node is configured with another delay: nothing is taken of the feed from it. */
  differs(link: Link, { name, options }: Feed, delayMs: number): void {
    if (this.#otherDelays.has(link)) return
    this.#otherDelays.add(link)
    const { node, address } = link
    const heldMs = options.delay?.delayMs ?? 0
    const message = `push node ${node} (${address}) delays feed ${name} by ${delayMs} ms, others by ${heldMs} ms: nothing is taken of it from that node. Configure push.delayedFeeds the same on all push nodes`
    this.#logger.error('delay_differs', message, { of: node, address, feed: name, delayMs, heldMs })
  }

  /** A link has a newer generation of the feed. */
  switched(feed: Feed): void {
    this.#switchedAtMs.set(feed, this.#clock.nowMs())
  }

  /**
   * Whether what a node brings that has not switched yet still counts: just after the switch, of a symbol that nobody has
   * brought of the newer generation. Never from one that was left behind, even where nobody knows better.
   */
  mayFinish(symbol: SymbolState, image: ReceivedImage): boolean {
    const switchedAtMs = this.#switchedAtMs.get(symbol.feed) ?? -Infinity
    return this.#clock.nowMs() - switchedAtMs < FINISH_MS && symbol.offset >= 0 && symbol.generation === image.generation
  }

  /**
   * Whether an image of a newer generation than that of the symbol is of the very record that is held, or of an older one. A
   * node that does not follow reads on where the older generation ends for all others, and what it gave until it was
   * disbelieved comes again. Of one millisecond nobody can tell which is older: unless there is such a node, what differs
   * is new.
   * @param isSame whether the image shows what is held.
   * @param isAnyoneBehind whether some node serves an older generation now.
   */
  comesAgain(symbol: SymbolState, image: ReceivedImage, isSame: () => boolean, isAnyoneBehind: () => boolean): 'held' | 'older' | null {
    if (symbol.offset < 0 || image.ts > symbol.ts) return null
    if (image.ts === symbol.ts && isSame()) return 'held'
    if (this.#clock.nowMs() - (this.#switchedAtMs.get(symbol.feed) ?? -Infinity) >= COPIES_MS) return null
    return image.ts < symbol.ts || isAnyoneBehind() ? 'older' : null
  }

  /**
   * Called now and then.
   * @param followed by feed, the generation that counts.
   */
  check(books: ReadonlyMap<Link, LinkBook>, feeds: readonly Feed[], followed: ReadonlyMap<Feed, number>): void {
    for (const [link, book] of books) for (const feed of feeds) this.#check(link, book, feed, followed.get(feed))
  }

  #check(link: Link, book: LinkBook, feed: Feed, current: number | undefined): void {
    let since = this.#sinceMs.get(book)
    const generation = book.served.get(feed)?.generation
    if (generation === undefined || book.serves(feed)) {
      if (since?.delete(feed) === true) this.#logger.info('upstream_current', `${link.node} serves feed ${feed.name} as it is now`, {})
      return
    }
    const nowMs = this.#clock.nowMs()
    if (since === undefined) this.#sinceMs.set(book, (since = new Map()))
    const sinceMs = since.get(feed)
    if (sinceMs === undefined) since.set(feed, nowMs)
    else if (nowMs - sinceMs >= LEFT_BEHIND_AFTER_MS) {
      since.set(feed, Infinity)
      this.#name(link, feed, generation, current)
    }
  }

  #name(link: Link, { name }: Feed, generation: number, current: number | undefined): void {
    const { node, address } = link
    const version = link.welcome?.version ?? 'unknown'
    const what = `push node ${node} (version ${version}, ${address}) serves generation ${generation} of feed ${name}`
    const fields = { of: node, version, address, feed: name, generation, current: current ?? null }
    if (current !== undefined && generation < current) {
      const message = `${what}, which is over; current is ${current}: it is not believed. Restart it with the directory enabled and the feed not pinned, or stop it`
      return this.#logger.warn('upstream_outdated', message, fields)
    }
    const known = current === undefined ? 'others serve another one, and no pulses tell which counts' : `current is ${current}`
    const message = `${what}, which neither the catalogue nor pulses confirm; ${known}: it is not believed. Correct its feeds (generation, topic, pinned), or stop it`
    this.#logger.warn('upstream_ahead', message, fields)
  }
}
