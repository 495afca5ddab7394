import type { ControlFrame } from '@pulsewire/protocol'
import type { EncodedPulse, Entry, Feed, HistoryItem } from '../hub/index.ts'
import type { FollowedUpdates } from '../tracing/index.ts'
import type { Composer, DictionaryKnowledge } from './composer.ts'
import { Session } from './session.ts'

/** Says of sampled updates that they were written, and tells receivers that want to know; everything else it passes on. */
export class TracingComposer implements Composer {
  readonly encoding: Composer['encoding']
  sampledOf: Feed | null = null
  sampledTs = 0
  readonly #composer: Composer
  readonly #followed: FollowedUpdates
  readonly #node: string

  constructor(composer: Composer, followed: FollowedUpdates, node: string) {
    this.encoding = composer.encoding
    this.#composer = composer
    this.#followed = followed
    this.#node = node
  }

  get updates(): number {
    return this.#composer.updates
  }

  get size(): number {
    return this.#composer.size
  }

  begin(known: DictionaryKnowledge): void {
    this.#composer.begin(known)
    this.sampledOf = null
  }

  control(frame: ControlFrame): void {
    this.#composer.control(frame)
  }

  latest(entry: Entry): boolean {
    const written = this.#composer.latest(entry)
    if (this.#followed.isFollowed(entry.symbol)) this.#written(entry, entry.held, entry.symbol.count, !written)
    return written
  }

  item(entry: Entry, item: HistoryItem, whole: boolean, n: number): void {
    this.#composer.item(entry, item, whole, n)
    if (this.#followed.isFollowed(entry.symbol)) this.#written(entry, item.count - n, item.count, false)
  }

  #written(entry: Entry, from: number, to: number, unchanged: boolean): void {
    const { subscriber } = entry.subscription
    if (!(subscriber instanceof Session)) return
    const receiver = { 'pulsewire.node': this.#node, 'pulsewire.session': subscriber.id, 'pulsewire.client': subscriber.client }
    for (const carrier of this.#followed.written(entry, from, to, unchanged, receiver))
      if (subscriber.wantsTraces) this.#composer.control({ t: 'trace', ref: entry.ref, ...carrier })
  }

  pulse(frame: EncodedPulse): void {
    this.#composer.pulse(frame)
  }

  mark(mark: number): void {
    this.#composer.mark(mark)
  }

  finish(): Uint8Array | string {
    return this.#composer.finish()
  }
}
