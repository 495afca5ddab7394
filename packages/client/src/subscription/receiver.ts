import { formatPosition, type ReceivedImage } from '@pulsewire/protocol'
import type { Clock } from '../clock.ts'
import type { Session } from '../connection/session.ts'
import { decide, type Held } from './decide.ts'
import type { Entry, Row } from './entry.ts'
import type { Repairs } from './repairs.ts'
import type { Reviewer } from './reviewer.ts'
import { changedIndexes, Update, type Gap } from './update.ts'
import { Wire } from './wire.ts'

/** Turns decoded images into updates of the application: in order, once, and with every hole repaired or told. */
export class Receiver {
  readonly #clock: Clock
  readonly #reviewer: Reviewer
  readonly #repairs: Repairs | null

  constructor(clock: Clock, reviewer: Reviewer, repairs: Repairs | null) {
    this.#clock = clock
    this.#reviewer = reviewer
    this.#repairs = repairs
  }

  receive(session: Session, row: Row, image: ReceivedImage): void {
    const entry = row.entry
    if (entry === null || entry.ended) return
    const serving = session === this.#reviewer.serving
    const held = Wire.held(entry)
    const log = session.feedInfo(row.feedIndex)?.log
    const decision = decide(row, image, log, held, serving)
    if (decision === 'repair') this.#repairs?.begin(row)
    if (decision === 'keep') row.kept = image
    // A replay is complete only with the next pulse; a snapshot is complete by itself.
    if (row.awaiting && (row.answer === 'snapshot' || !row.every) && decision !== 'repair') session.rows.setAwaiting(row, false)
    if (decision === 'duplicate') {
      row.chain?.passed()
      this.#reviewer.touch(entry)
      return
    }
    if (decision !== 'deliver' && decision !== 'gap') return
    row.chain?.delivered()
    this.#deliver(session, entry, row, image, decision === 'gap' ? held : null, serving)
  }

  /**
   * A session begins to serve: what it has of another log than what is held takes the place of that, whatever its position.
   * @returns what could not be resumed by that.
   */
  takeKept(session: Session): Entry[] {
    const taken: Entry[] = []
    for (const row of session.rows.all()) {
      const { entry, kept } = row
      row.kept = null
      if (entry === null || entry.ended || !entry.isHeldOfOther(session.logOf(row.feed))) continue
      taken.push(entry)
      entry.missed()
      if (kept === null) entry.latest = null
      else this.#take(session, entry, row, kept)
    }
    return taken
  }

  #take(session: Session, entry: Entry, row: Row, kept: ReceivedImage): void {
    row.chain?.passed()
    const image = { ...kept, snapshot: true, n: kept.snapshot ? kept.n : row.every ? 1 : 0 }
    this.#deliver(session, entry, row, image, row.every ? Wire.held(entry) : null, true)
  }

  #deliver(session: Session, entry: Entry, row: Row, image: ReceivedImage, lostAfter: Held | null, serving: boolean): void {
    const names = session.decoder.fieldNames(row.feedIndex)
    const { symbol } = entry
    const log = session.feedInfo(row.feedIndex)?.log
    const gap: Gap | undefined = lostAfter === null ? undefined : { symbol, from: formatPosition(lostAfter), to: formatPosition(image) }
    const previous = entry.latest
    /** What it may be compared with by position. */
    const before = entry.isHeldOfOther(log) ? null : previous
    const partitionBefore = entry.partition
    const parts = {
      symbol,
      generation: image.generation,
      partition: image.partition,
      offset: image.offset,
      log,
      ts: image.ts,
      receivedAtMs: this.#clock.nowMs(),
      n: recordsOf(image, before, row.every),
      snapshot: image.snapshot,
      deleted: image.deleted,
      recovered: entry.tellRecovered ? entry.recovered : undefined,
      raw: image.raw,
      gap,
      names,
      fields: image.values.slice(),
      changedIndexes: changedIndexes(image, names, previous),
      every: row.every,
    }
    // The state depends on the partition, which this update may be the first to name.
    entry.latest = new Update({ ...parts, state: entry.reported })
    const state = serving || partitionBefore !== image.partition ? this.#reviewer.current(entry) : entry.reported
    if (state !== entry.latest.state) entry.latest = new Update({ ...parts, state })
    entry.tellRecovered = false
    const update = entry.latest
    const isMove = before !== null && gap === undefined && update.recovered === undefined && isMoved(update, before, entry.moved)
    // Conflated with what came before the move, it may be told and yet come again where it lies now.
    entry.moved = isMove || (!row.every && before !== null && Update.partsOf(before).generation < image.generation)
    if (isMove) return
    for (const subscription of entry.subscribers) {
      if (gap !== undefined) subscription.tellGap(gap)
      subscription.deliver(update, row.every)
    }
  }
}

/**
 * Whether it is the very record that was held, at its place in the topic that the feed has moved to, which may still have
 * been on its way there when the feed moved: no news for the application. A later record has a later time.
 */
function isMoved(update: Update, previous: Update, wasMoved: boolean): boolean {
  const { generation, ts, deleted, raw } = Update.partsOf(update)
  const held = Update.partsOf(previous)
  if (generation < held.generation || (generation === held.generation && !wasMoved)) return false
  if (ts !== held.ts || deleted !== held.deleted) return false
  return sameBytes(raw, held.raw) && update.changed.length === 0
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

/** While two sessions overlap, what one conflated the other may have delivered in part; offsets bound the sum. */
function recordsOf(image: ReceivedImage, previous: Update | null, every: boolean): number {
  if (image.snapshot && !every) return image.n
  const held = previous === null ? undefined : Update.partsOf(previous)
  if (held === undefined || held.generation !== image.generation || held.partition !== image.partition) return image.n
  return Math.min(image.n, image.offset - held.offset)
}
