import {
  createDecoder,
  decodeUpstreamBin,
  decodeUpstreamJson,
  formatPosition,
  SubscriptionDigest,
  type ControlFrame,
  type Decoder,
  type Encoding,
  type FrameHandler,
  type LiveFrame,
  type OkRow,
  type PulseAckFrame,
  type PulseFrame,
  type ReceivedImage,
  type StaleFrame,
  type SubscribedFrame,
  type SubscribeFrame,
  type UpstreamFrame,
  type WelcomeFrame,
} from '@pulsewire/protocol'
import { Asked } from './asked.ts'
import { HopRow, imageOf } from './hop-row.ts'
import { describeImage, describeRecord, matches, showsSame } from './image.ts'
import type { LogModel, ModelRecord } from './log-model.ts'
import type { Report } from './report.ts'

/** The newest pulse of a partition that a receiver was given. */
export interface HeldPulse {
  readonly offset: number
  /** World time at which its record came into the log. */
  readonly writtenAtMs: number
  /** World time at which it came here. */
  readonly receivedAtMs: number
}

export interface HopOptions {
  /** Receiver and sender, for messages. */
  readonly name: string
  readonly model: LogModel
  readonly report: Report
  readonly nowMs: () => number
  /** World time since which the sender's own inputs of the symbol are the same, so that its counts add up. */
  readonly countsExactSinceMs: (feed: string, symbol: string) => number
  /** Whether the sender may have answered, at its deadline, without having heard from upstream. */
  readonly mayNotKnow: () => boolean
  /** The sender may have been configured with another generation than the log's; nobody may follow it. Default: it was not. */
  readonly mayBeAhead?: boolean
  /** Told of every frame that comes. */
  readonly trace: (what: () => string) => void
}

/** A `stale` frame in force. */
export interface HeldNotice {
  readonly hop: string
  readonly reason: string
  /** World time at which it came, or the one that it replaced. */
  readonly sinceMs: number
}

/** What a sender counted may take so long to get here. */
const IN_FLIGHT_MS = 3000

/**
 * A receiver by the book: sees the bytes of one session of one hop and holds its sender to protocol.md, at every update
 * and at every pulse. Knows nothing of how either side is made.
 */
export class HopMonitor implements FrameHandler {
  readonly options: HopOptions
  readonly rows = new Map<number, HopRow>()
  /** Per feed and partition. */
  readonly pulses = new Map<string, HeldPulse>()
  /** Per feed and partition; under `feed/*` for all of the feed. */
  readonly notices = new Map<string, HeldNotice>()
  /** World time at which the last notice of a feed was withdrawn. */
  readonly #liveAtMs = new Map<string, number>()
  readonly digest = new SubscriptionDigest()
  welcome: WelcomeFrame | null = null
  /** Frames were lost on this session by a fault: its two ends may differ until they have repaired it. */
  lossy = false
  readonly counts = { updates: 0, pulses: 0, gaps: 0, resubscribes: 0, conflated: 0 }
  /** Bytes that came. */
  receivedBytes = 0
  #encoding: Encoding = 'pulsewire.bin.v1'
  #decoder: Decoder = createDecoder('pulsewire.bin.v1')
  readonly #asked = new Map<number, Asked>()
  /** Per feed, `at` of its pulse frames with the offsets by partition, oldest first: for `maxRate`. */
  readonly #frames = new Map<string, { at: number; offsets: Map<number, number> }[]>()
  readonly #lastNumbers = new Map<string, number>()
  /** World time at which the last update came. */
  #updatedAtMs = -Infinity
  #repairing = false

  constructor(options: HopOptions) {
    this.options = options
  }

  get encoding(): Encoding {
    return this.#encoding
  }

  opened(encoding: Encoding): void {
    this.#encoding = encoding
    this.#decoder = createDecoder(encoding)
  }

  // ---- what the receiver sends

  sent(data: Uint8Array | string): UpstreamFrame[] {
    const frames = (typeof data === 'string' ? decodeUpstreamJson(data) : decodeUpstreamBin(data)) as UpstreamFrame[]
    for (const frame of frames) {
      if (frame.t === 'subscribe') this.#subscribe(frame)
      else if (frame.t === 'ack' && 'pulse' in frame) this.#ack(frame)
    }
    return frames
  }

  #subscribe(frame: SubscribeFrame): void {
    const asked = this.#asked.get(frame.id)
    if (asked === undefined) this.#asked.set(frame.id, new Asked(frame))
    else asked.again(frame)
  }

  #ack({ count, digest }: PulseAckFrame): void {
    if (this.#repairing || this.lossy) return
    if (count !== this.digest.count || digest !== this.digest.value) {
      this.#fail(
        'digest',
        `the receiver acknowledges ${count} rows, digest ${digest}; by the frames it got it holds ${this.digest.count}, digest ${this.digest.value}`,
      )
    }
  }

  // ---- what it gets

  received(data: Uint8Array | string): void {
    this.receivedBytes += data.length
    this.#decoder.decode(data, this)
  }

  onControl(frame: ControlFrame): void {
    this.options.trace(() => JSON.stringify(frame))
    switch (frame.t) {
      case 'welcome':
        this.welcome = frame
        break
      case 'feeds':
        if (this.welcome !== null) this.welcome = { ...this.welcome, feeds: frame.feeds }
        break
      case 'subscribed':
        this.#subscribed(frame)
        break
      case 'unsubscribed':
        for (const name of [...frame.ok, ...frame.unknown]) this.#drop(frame.id, name)
        break
      case 'ended':
        for (const [name] of frame.symbols) this.#drop(frame.id, name)
        break
      case 'stale':
      case 'live':
        this.#notice(frame)
        break
      case 'gap':
        this.#gap(frame.ref)
        break
      case 'resubscribe':
        this.counts.resubscribes++
        this.#repairing = true
        if (!this.lossy)
          this.#fail('digest', `asked to name everything again (${frame.count} rows, digest ${frame.digest}) although nothing was lost`)
        break
      case 'error':
        this.#fail('error', `${frame.code}: ${frame.message}`)
        break
    }
  }

  #subscribed(frame: SubscribedFrame): void {
    const asked = this.#asked.get(frame.id)
    if (asked === undefined) return this.#fail('order', `answer to id ${frame.id}, which was never asked`)
    for (const row of frame.ok ?? []) this.#row(asked, row)
    if (frame.done === true) asked.done()
  }

  #row(asked: Asked, [name, ref, state]: OkRow): void {
    const { frame } = asked
    const feed = this.options.model.feeds.get(frame.feed)!
    const feedIndex = this.welcome!.feeds.findIndex((info) => info.feed === frame.feed)
    let row = this.rows.get(ref)
    if (row !== undefined && (row.name !== name || row.id !== frame.id)) {
      return this.#fail('order', `ref ${ref} is given to ${name} of id ${frame.id} while ${row.describe()} has it`)
    }
    if (row === undefined) {
      this.#moved(frame.id, name)
      row = new HopRow(frame, name, ref, feed, feedIndex)
      this.rows.set(ref, row)
      this.digest.add(frame.id, name)
    }
    this.#decoder.open(ref, feedIndex)
    row.answer(state, state === 'recovered' ? asked.positionsOf(name) : [])
    row.countedSinceMs = this.options.nowMs()
    row.answeredAtMs = this.options.nowMs()
    row.excused = this.options.mayNotKnow()
    // What was in the log by now is not owed without an image.
    if (state === 'changes') row.heldIndex = (row.symbol?.records.length ?? 0) - 1
    if (state === 'recovered' && row.from.length === 0) this.#fail('order', `${row.describe()} is recovered, but no position was named`)
  }

  /** A row that a repair had dropped unheard is given anew under another ref: the old one is over. */
  #moved(id: number, name: string): void {
    const old = [...this.rows.values()].find((row) => row.id === id && row.name === name)
    if (old === undefined) return
    if (!this.lossy) this.#fail('order', `${old.describe()} is given another ref although nothing was lost`)
    this.rows.delete(old.ref)
    this.#decoder.close(old.ref)
    this.digest.remove(id, name)
  }

  #notice(frame: StaleFrame | LiveFrame): void {
    if (frame.symbols !== undefined) return
    if (frame.t === 'live') this.#liveAtMs.set(frame.feed, this.options.nowMs())
    if (frame.partitions === undefined)
      for (const key of this.notices.keys()) if (key.startsWith(`${frame.feed}/`)) this.notices.delete(key)
    for (const partition of frame.partitions ?? ['*']) {
      const key = `${frame.feed}/${partition}`
      if (frame.t === 'live') this.notices.delete(key)
      else {
        const sinceMs = this.notices.get(key)?.sinceMs ?? this.options.nowMs()
        this.notices.set(key, { hop: frame.hop, reason: frame.reason, sinceMs })
      }
    }
  }

  /** The `stale` frame in force for a partition. */
  noticeOf(feed: string, partition: number): HeldNotice | undefined {
    return this.notices.get(`${feed}/${partition}`) ?? this.notices.get(`${feed}/*`)
  }

  liveAtMs(feed: string): number {
    return this.#liveAtMs.get(feed) ?? -Infinity
  }

  /** World time since which the receiver has subscribed to something of the feed and been answered; `Infinity`: it has not. */
  subscribedSinceMs(feed: string): number {
    let sinceMs = Infinity
    for (const row of this.rows.values()) if (row.feed.config.name === feed) sinceMs = Math.min(sinceMs, row.answeredAtMs)
    return sinceMs
  }

  /**
   * What was answered of the feed is still coming, and has come within so many ms: no pulse may come before it (section 6).
   */
  isCatchingUp(feed: string, withinMs: number): boolean {
    if (this.options.nowMs() - this.#updatedAtMs > withinMs) return false
    return [...this.rows.values()].some((row) => row.feed.config.name === feed && row.state !== 'empty' && row.pulses === 0)
  }

  #drop(id: number, name: string): void {
    for (const [ref, row] of this.rows) {
      if (row.id !== id || row.name !== name) continue
      this.rows.delete(ref)
      this.#decoder.close(ref)
      this.digest.remove(id, name)
    }
  }

  /** The log's, unless the sender may be configured with another: then it has to keep to what it announces. */
  #generationOf({ feed, feedIndex }: HopRow): number {
    return this.options.mayBeAhead === true ? this.welcome!.feeds[feedIndex]!.generation : feed.config.generation
  }

  #gap(ref: number): void {
    const row = this.rows.get(ref)
    this.counts.gaps++
    if (row === undefined || !row.every) return this.#fail('order', `gap for ref ${ref}, which is no row that gets every record`)
    row.gapTold = true
  }

  onUpdate(image: ReceivedImage): void {
    this.counts.updates++
    this.#updatedAtMs = this.options.nowMs()
    this.options.trace(
      () =>
        `update ${image.ref} ${this.rows.get(image.ref)?.name} ${formatPosition(image)} n ${image.n}${image.snapshot ? ' snapshot' : ''}${image.deleted ? ' deleted' : ''}`,
    )
    const row = this.rows.get(image.ref)!
    const { symbol } = row
    const index = symbol?.indexOf(image.offset) ?? -1
    const where = () => `${row.describe()} at ${formatPosition(image)}`
    if (symbol === undefined || index < 0 || image.partition !== symbol.partition || image.generation !== this.#generationOf(row)) {
      return this.#fail('image', `${where()}: the log has no such record of the symbol`)
    }
    const record = symbol.records[index]!
    if (image.ts !== record.ts) this.#fail('image', `${where()}: ts is ${image.ts}, the record's is ${record.ts}`)
    const held = imageOf(image, this.#decoder.fieldNames(row.feedIndex))
    if (!matches(held, record, row.fields))
      this.#fail('image', `${where()}: received ${describeImage(held)}, the log says ${describeRecord(record)}`)
    if (!row.first && index <= row.heldIndex) this.#fail('order', `${where()} comes after ${describeRecord(symbol.records[row.heldIndex])}`)
    if (row.every) this.#checkChain(row, index, image, where)
    else this.#checkCount(row, index, image, where)
    row.first = false
    row.excused = false
    row.promised = false
    row.gapTold = false
    row.heldIndex = index
    row.held = held
    if (image.n > 1) this.counts.conflated++
  }

  /** `every`: the next record and no other, unless a gap was told. */
  #checkChain(row: HopRow, index: number, image: ReceivedImage, where: () => string): void {
    const records = row.symbol!.records
    let expected = row.heldIndex + 1
    if (row.first) {
      // A gateway that nobody answered in time knows nothing of what there was.
      if (row.state === 'empty' && (row.excused || records[index - 1]?.deleted === true)) return
      if (row.state !== 'recovered') {
        // A gateway may learn of a deleted symbol's past only now.
        if (row.state === 'snapshot' || index <= row.heldIndex + 1) return
      } else {
        const from = row.from.map((offset) => row.symbol!.indexOf(offset))
        // Not newer than what the receiver holds: the image to begin with, or the sender has not got that far.
        if (from.some((before) => index <= before)) return
        expected = 1 + (from.find((before) => isNext(records, before, index)) ?? from.at(-1)!)
      }
    }
    while (expected < index && records[expected]!.optional) expected++
    if (index === expected) {
      if (image.n > 1 && !row.gapTold) this.#fail('count', `${where()} stands for ${image.n} records on a row that gets every one`)
    } else if (!row.gapTold)
      this.#fail(
        'P1 every',
        `${where()} comes after ${describeRecord(records[expected - 1])}: ${index - expected} records are missing and no gap was told`,
      )
  }

  /** `latest`: `n` is how many records of the symbol the log has since the last update of the ref. */
  #checkCount(row: HopRow, index: number, image: ReceivedImage, where: () => string): void {
    const nowMs = this.options.nowMs()
    if (row.held === null || (image.snapshot && image.n === 0)) {
      row.countedSinceMs = nowMs
      return
    }
    const records = index - row.heldIndex
    const optional = row.symbol!.records.slice(row.heldIndex + 1, index + 1).filter((record) => record.optional).length
    const isExact = () => row.countedSinceMs - IN_FLIGHT_MS > this.options.countsExactSinceMs(row.feed.config.name, row.name)
    if ((image.n > records || image.n < records - optional) && isExact()) {
      this.#fail(
        'count',
        `${where()} stands for ${image.n} records; the log has ${records} since ${describeRecord(row.symbol!.records[row.heldIndex])}`,
      )
    }
    if (image.n !== records) row.countedSinceMs = nowMs
  }

  onPulse(frame: PulseFrame): void {
    this.counts.pulses++
    this.options.trace(() => JSON.stringify(frame))
    if (frame.feed === undefined) return
    const feed = this.options.model.feeds.get(frame.feed)!
    const last = this.#lastNumbers.get(frame.feed) ?? 0
    if (frame.pulse < last) this.#fail('order', `pulse ${frame.pulse} of ${frame.feed} comes after ${last}`)
    this.#lastNumbers.set(frame.feed, frame.pulse)
    const offsets = new Map<number, number>()
    for (const [partition, offset] of frame.partitions ?? []) {
      const writtenAtMs = feed.pulses[partition]?.get(offset)
      if (writtenAtMs === undefined) {
        this.#fail('pulse', `pulse ${frame.pulse} of ${frame.feed} names ${partition}:${offset}, where the log has none`)
        continue
      }
      const key = `${frame.feed}/${partition}`
      // A row that is no progress says nothing of what was answered since it came first.
      if ((this.pulses.get(key)?.offset ?? -1) >= offset) continue
      offsets.set(partition, offset)
      this.pulses.set(key, { offset, writtenAtMs, receivedAtMs: this.options.nowMs() })
    }
    this.#keepFrame(frame, offsets)
    for (const row of this.rows.values()) if (row.feed === feed) this.#checkPulse(row, frame, offsets)
  }

  #keepFrame(frame: PulseFrame, offsets: Map<number, number>): void {
    let frames = this.#frames.get(frame.feed!)
    if (frames === undefined) this.#frames.set(frame.feed!, (frames = []))
    frames.push({ at: frame.at, offsets })
    if (frames.length > 64) frames.shift()
  }

  /** P1: behind the pulse, the receiver has everything that precedes it. */
  #checkPulse(row: HopRow, frame: PulseFrame, offsets: Map<number, number>): void {
    row.pulses++
    const { symbol } = row
    if (row.promised && !this.#promisedNothing(row)) {
      this.#fail('order', `${row.describe()}: pulse ${frame.pulse} comes before what the answer promised`)
    }
    row.promised = false
    if (symbol === undefined || row.excused) return
    const offset = row.periodMs === 0 ? offsets.get(symbol.partition) : this.#ratedOffset(row, frame, symbol.partition)
    if (offset === undefined) return
    const due = symbol.newestBefore(offset)
    if (due <= row.heldIndex) return
    const record = symbol.records[due]!
    // Of a deleted symbol nothing is held; the sender may have known of a newer record that deletes.
    if (row.held === null && symbol.records.slice(due).some(({ deleted }) => deleted)) {
      row.heldIndex = due
      return
    }
    if (!row.every && row.held !== null && showsSame(row.held, symbol, due, row.fields)) return
    if (symbol.records.slice(row.heldIndex + 1, due + 1).every((skipped) => skipped.optional)) return
    const holds = row.held === null ? 'nothing' : `${describeImage(row.held)} (record ${row.heldIndex})`
    this.#fail(
      'P1',
      `${row.describe()}: behind pulse ${frame.pulse} (${symbol.partition}:${offset}) it holds ${holds}; the log says ${describeRecord(record)} (record ${due})`,
    )
  }

  /** Resumed right at the record that deleted the symbol: there is no image to send. */
  #promisedNothing(row: HopRow): boolean {
    if (!row.every || row.state !== 'recovered' || row.symbol === undefined) return false
    const { records } = row.symbol
    const from = row.from.map((offset) => row.symbol!.indexOf(offset)).find((index) => records[index]?.deleted === true)
    if (from === undefined) return false
    row.heldIndex = Math.max(row.heldIndex, from)
    return true
  }

  /** The newest pulse that counts for a row with `maxRate`. */
  #ratedOffset(row: HopRow, frame: PulseFrame, partition: number): number | undefined {
    const frames = this.#frames.get(frame.feed!)!
    const from = Math.max(0, frames.length - row.pulses)
    for (let i = frames.length - 1; i >= from; i--) {
      const earlier = frames[i]!
      const offset = earlier.offsets.get(partition)
      if (offset !== undefined && frame.at - earlier.at >= row.periodMs) return offset
    }
    return undefined
  }

  #fail(rule: string, message: string): void {
    this.options.report(rule, `${this.options.name}: ${message}`)
  }
}

/** Whether a record is the next one after another, but for those that nodes need not know. */
function isNext(records: readonly ModelRecord[], before: number, index: number): boolean {
  return before < index && records.slice(before + 1, index).every(({ optional }) => optional)
}
