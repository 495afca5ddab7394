import type { Asks } from '../diagnosis/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Secret } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Stage } from '../runtime/stages/index.ts'
import type { Arbiter } from './arbiter.ts'
import type { ConnectLink } from './link-transport.ts'
import { Link } from './link.ts'
import type { LinkTraces } from './link-handler.ts'
import { LINKS_MAX, type Upstreams } from './upstreams.ts'

export interface LinksOptions {
  readonly upstreams: Upstreams
  readonly arbiter: Arbiter
  readonly connect: ConnectLink
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly client: string
  readonly pulseIntervalMs: number
  /** Taking a message of any of them. */
  readonly dispatching: Stage
  /** By which push nodes let it in. */
  readonly secret?: Secret
  readonly asks?: Asks
  readonly traces?: LinkTraces
}

/** The links that a gateway has: one to each chosen push node, opened and closed as those come and go. */
export class Links implements Iterable<Link> {
  readonly #options: LinksOptions
  /** By the index that is their bit; one that was closed leaves it to the next. */
  readonly #slots: (Link | undefined)[] = []
  #isOpen = false

  constructor(options: LinksOptions) {
    this.#options = options
    options.upstreams.onChange(() => {
      if (this.#isOpen) this.#reconcile()
    })
  }

  *[Symbol.iterator](): Iterator<Link> {
    for (const link of this.#slots) if (link !== undefined) yield link
  }

  open(): void {
    this.#isOpen = true
    this.#reconcile()
  }

  close(): void {
    this.#isOpen = false
    this.#options.upstreams.close()
    for (const link of this) link.close()
  }

  #reconcile(): void {
    const { upstreams, arbiter, logger } = this.#options
    const wanted = new Map(upstreams.chosen.map((upstream) => [`${upstream.line} ${upstream.address}`, upstream]))
    for (const link of this) {
      if (wanted.delete(`${link.line} ${link.address}`)) continue
      const why = upstreams.whyNot(link.address)
      logger.info('link_removed', `${link.node} at ${link.address} is not linked to any more: ${why}`, { line: link.line })
      this.#slots[link.index] = undefined
      link.close()
      arbiter.lost(link)
    }
    const opened = [...wanted.values()].map(({ line, address }) => this.#add(line, address))
    arbiter.setLinks([...this])
    for (const link of opened) link.open()
  }

  #add(line: string, address: string): Link {
    const { upstreams: _, arbiter: handler, ...options } = this.#options
    const free = this.#slots.indexOf(undefined)
    const index = free >= 0 ? free : this.#slots.length
    if (index >= LINKS_MAX) throw new Error(`no room for a link to ${address}: more than ${LINKS_MAX} were chosen`)
    const link = new Link({ index, line, address, handler, ...options })
    this.#slots[index] = link
    return link
  }
}
