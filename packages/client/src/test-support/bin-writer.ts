import {
  ByteWriter,
  parsePosition,
  sameValue,
  scaleFor,
  writeDictionary,
  writePulse,
  writeUpdate,
  base64ToBytes,
  type DictionaryField,
  type DownstreamFrame,
  type FieldValue,
  type UpdateFrame,
} from '@pulsewire/protocol'

/** Writes the frames of json.v1 as one message of bin.v1, with deltas, for one session. */
export class BinWriter {
  readonly #fields: { name: string; scale: number }[] = []
  readonly #images = new Map<number, (FieldValue | undefined)[]>()
  readonly #last = new Map<number, { readonly place: string; readonly offset: number; readonly ts: number }>()
  #epoch = 0
  #feeds: readonly { feed: string }[] = []

  write(frames: readonly DownstreamFrame[]): Uint8Array {
    const writer = new ByteWriter(1024)
    for (const frame of frames) {
      if (frame.t === 'welcome') this.#epoch = frame.epoch
      if (frame.t === 'welcome' || frame.t === 'feeds') this.#feeds = frame.feeds
      if (frame.t === 'update') this.#update(writer, frame)
      else if (frame.t === 'pulse') {
        writePulse(
          writer,
          frame,
          this.#feeds.findIndex((feed) => feed.feed === frame.feed),
          this.#epoch,
        )
      } else {
        writer.u8(0x01)
        writer.text(JSON.stringify(frame))
      }
    }
    return writer.take()
  }

  #update(writer: ByteWriter, frame: UpdateFrame): void {
    const position = parsePosition(frame.position)!
    const place = `${position.generation}:${position.partition}`
    const before = frame.snapshot === true ? undefined : this.#images.get(frame.ref)
    const values: (FieldValue | undefined)[] = []
    for (const [name, value] of Object.entries(frame.values ?? {})) values[this.#index(writer, name, value)] = value
    const indexes: number[] = []
    for (let index = 0; index < this.#fields.length; index++) {
      if (!sameValue(before?.[index], values[index])) indexes.push(index)
    }
    const last = this.#last.get(frame.ref)
    const header = {
      snapshot: frame.snapshot === true,
      place: last?.place !== place,
      deleted: frame.deleted === true,
      generation: position.generation,
      partition: position.partition,
      offset: position.offset,
      ts: frame.ts,
      n: frame.n ?? 1,
      prev: frame.prev ?? -1,
      last: last ?? null,
      raw: frame.raw === undefined ? null : base64ToBytes(frame.raw),
    }
    this.#last.set(frame.ref, { place, offset: position.offset, ts: frame.ts })
    this.#images.set(frame.ref, values)
    const body = new ByteWriter(256)
    writeUpdate(body, header, this.#epoch, this.#fields, indexes, values, before ?? null)
    const bytes = body.take()
    writer.u8(bytes[0]!)
    writer.varint(frame.ref)
    writer.raw(bytes.subarray(1))
  }

  #index(writer: ByteWriter, name: string, value: FieldValue): number {
    const scale = typeof value === 'number' ? Math.max(0, scaleFor(value, 0)) : 0
    let index = this.#fields.findIndex((field) => field.name === name)
    const known: DictionaryField | undefined = this.#fields[index]
    if (known !== undefined && known.scale >= scale) return index
    if (index < 0) index = this.#fields.length
    this.#fields[index] = { name, scale }
    writeDictionary(writer, 0, index, [this.#fields[index]!])
    return index
  }
}
