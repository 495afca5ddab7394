import { ByteWriter } from '../bin/byte-writer.ts'
import { writeDictionary } from '../bin/dictionary.ts'
import { KIND } from '../bin/kinds.ts'
import { writePulse } from '../bin/pulse.ts'
import { writeUpdate, type UpdateHeader } from '../bin/update-encoder.ts'
import { scaleFor } from '../bin/value.ts'
import type { ControlFrame, FeedInfo, FieldValue, PulseFrame, UpdateFrame } from '../frames.ts'
import { bytesToBase64 } from '../json/base64.ts'
import { sameValue } from '../json/same-value.ts'
import { formatPosition } from '../position.ts'

export type Fields = ReadonlyMap<string, FieldValue>

/** A symbol as the sender holds it. */
export interface ModelRecord {
  readonly generation: number
  readonly partition: number
  readonly offset: number
  readonly ts: number
  readonly prev?: number
  readonly deleted?: boolean
  readonly raw?: Uint8Array
  readonly fields: Fields
}

/** One message in both encodings, and what it says. */
export interface SentMessage {
  readonly bin: Uint8Array
  readonly json: string
  readonly frames: readonly (ControlFrame | PulseFrame | UpdateFrame)[]
}

interface Feed {
  readonly fields: { name: string; scale: number }[]
}

interface Ref {
  readonly feedIndex: number
  readonly symbol: string
  /** What the receiver holds. */
  held: (FieldValue | undefined)[]
  place: string
  last: { readonly offset: number; readonly ts: number } | null
}

/** The simplest sender of a whole session, in both encodings at once: what tests and vectors compare receivers with. */
export class ReferenceSender {
  readonly #epoch: number
  readonly #feedNames: readonly string[]
  readonly #feeds: Feed[]
  readonly #refs = new Map<number, Ref>()
  readonly #out = new ByteWriter(256)
  readonly #scratch = new ByteWriter(256)
  #frames: (ControlFrame | PulseFrame | UpdateFrame)[] = []

  constructor(epoch: number, feeds: readonly FeedInfo[]) {
    this.#epoch = epoch
    this.#feedNames = feeds.map(({ feed }) => feed)
    this.#feeds = feeds.map(() => ({ fields: [] }))
  }

  control(frame: ControlFrame): void {
    this.#frames.push(frame)
    this.#out.u8(KIND.json)
    this.#out.text(JSON.stringify(frame))
  }

  mark(mark: number): void {
    this.#frames.push({ t: 'mark', mark })
    this.#scratch.length = 0
    this.#scratch.varint(mark)
    this.#out.framed(KIND.mark, this.#scratch.take())
  }

  pulse(frame: PulseFrame): void {
    this.#frames.push(frame)
    writePulse(this.#out, frame, frame.feed === undefined ? -1 : this.#feedNames.indexOf(frame.feed), this.#epoch)
  }

  /** Bytes of binary frames that json.v1 has no counterpart for. */
  binOnly(bytes: Uint8Array): void {
    this.#out.raw(bytes)
  }

  open(ref: number, feedIndex: number, symbol: string): void {
    this.#refs.set(ref, { feedIndex, symbol, held: [], place: '', last: null })
  }

  /**
   * @param n records that the update stands for.
   * @returns the frame as json.v1 has it.
   */
  update(ref: number, record: ModelRecord, n = 1, snapshot = false): UpdateFrame {
    const row = this.#refs.get(ref)!
    const { fields } = this.#feeds[row.feedIndex]!
    const values = record.deleted === true ? [] : this.#index(row.feedIndex, record.fields)
    const before = snapshot ? [] : row.held
    const indexes = [...fields.keys()].filter((index) => !sameValue(before[index], values[index]))
    const place = `${record.generation}:${record.partition}`
    const header: UpdateHeader = {
      ...record,
      snapshot,
      n,
      place: snapshot || place !== row.place,
      prev: record.prev ?? -1,
      last: row.last,
      deleted: record.deleted === true,
      raw: record.raw ?? null,
    }
    this.#scratch.length = 0
    writeUpdate(this.#scratch, header, this.#epoch, fields, indexes, values, before)
    const frame = this.#scratch.take()
    this.#out.u8(frame[0]!)
    this.#out.varint(ref)
    this.#out.raw(frame.subarray(1))
    const update = jsonUpdate(ref, row.symbol, header, record.fields)
    this.#frames.push(update)
    row.held = values
    row.place = place
    row.last = record
    return update
  }

  /** What was written since the last call, as one message. */
  flush(): SentMessage {
    const frames = this.#frames
    this.#frames = []
    return { bin: this.#out.take(), json: JSON.stringify(frames), frames }
  }

  /** Values by dictionary index; tells the receiver of new fields, and of scales that have to grow. */
  #index(feedIndex: number, record: Fields): (FieldValue | undefined)[] {
    const { fields } = this.#feeds[feedIndex]!
    const values: (FieldValue | undefined)[] = []
    for (const [name, value] of record) {
      const known = fields.findIndex((field) => field.name === name)
      const index = known < 0 ? fields.length : known
      const before = fields[index]
      const scale = typeof value === 'number' ? Math.max(scaleFor(value, before?.scale ?? 0), before?.scale ?? 0) : (before?.scale ?? 0)
      if (before?.scale !== scale) {
        fields[index] = { name, scale }
        writeDictionary(this.#out, feedIndex, index, [fields[index]])
      }
      values[index] = value
    }
    return values
  }
}

function jsonUpdate(ref: number, symbol: string, header: UpdateHeader, fields: Fields): UpdateFrame {
  const raw = header.raw === null ? undefined : bytesToBase64(header.raw)
  return {
    t: 'update',
    ref,
    ...(header.n === 1 ? {} : { n: header.n }),
    ...(header.snapshot ? { snapshot: true } : {}),
    symbol,
    position: formatPosition(header),
    ts: header.ts,
    ...(header.prev < 0 ? {} : { prev: header.prev }),
    // fromEntries defines own members, so that a field may be called __proto__.
    ...(header.deleted ? { deleted: true } : raw === undefined ? { values: Object.fromEntries(fields) } : { raw }),
  }
}
