import type { ReceivedImage, SubscribeFrame } from '@pulsewire/protocol'
import { Subscriber, type SubscriberOptions } from '../sequences/subscriber.ts'
import type { GapWatch } from './gap-watch.ts'

/** What is subscribed to under an id, as far as that is certain. */
interface Open {
  readonly names: Set<string>
  readonly patterns: Set<string>
}

/** A receiver at the gateway: tells of what gaps it is told, and knows what it must have been answered when all is quiet. */
export class Served extends Subscriber {
  readonly #gaps: GapWatch
  readonly #open = new Map<number, Open>()

  constructor(gaps: GapWatch, options: SubscriberOptions) {
    super(options)
    this.#gaps = gaps
  }

  override onUpdate(image: ReceivedImage): void {
    const row = this.rows.get(image.ref)
    const after = row?.heldIndex ?? -1
    // Who was told that there is nothing is owed the first record, too.
    const hasBegun = row?.first === false || (row?.state === 'empty' && !row.excused)
    const isGap = row?.gapTold === true && hasBegun
    super.onUpdate(image)
    if (isGap) this.#gaps.told(row.name, { receiver: this.options.name, after, before: row.heldIndex })
  }

  override subscribe(frame: SubscribeFrame, resume: boolean): void {
    let open = this.#open.get(frame.id)
    if (open === undefined) this.#open.set(frame.id, (open = { names: new Set(), patterns: new Set() }))
    for (const name of frame.symbols ?? []) open.names.add(name)
    for (const pattern of frame.patterns ?? []) open.patterns.add(pattern)
    super.subscribe(frame, resume)
  }

  override unsubscribe(id: number, symbols: readonly string[] | null): boolean {
    const open = this.#open.get(id)
    if (symbols === null) this.#open.delete(id)
    else if (open !== undefined) {
      for (const name of symbols) open.names.delete(name)
      // Whether a pattern still brings what was let go by name is not judged here.
      open.patterns.clear()
    }
    return super.unsubscribe(id, symbols)
  }

  /** Feed's symbols of which it must have a row by now, and has none. */
  *missing(): Generator<string> {
    const rows = new Set([...this.rows.values()].map(({ id, name }) => `${id} ${name}`))
    for (const [id, { names, patterns }] of this.#open) {
      for (const name of new Set([...names, ...this.#matched(patterns)])) if (!rows.has(`${id} ${name}`)) yield `${name} of id ${id}`
    }
  }

  /** What the log has of the patterns that are drawn. */
  *#matched(patterns: ReadonlySet<string>): Generator<string> {
    for (const { symbols } of this.options.model.feeds.values()) {
      for (const [name, { records }] of symbols) {
        if (records.at(-1)!.deleted) continue
        if (patterns.has('*') || (patterns.has('?') && name.length === 1)) yield name
      }
    }
  }
}
