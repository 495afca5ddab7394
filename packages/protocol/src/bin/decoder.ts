import { ProtocolError, type Decoder, type FrameHandler, type ReceivedImage } from '../decoder.ts'
import { checkControl } from '../frame-checks.ts'
import type { FeedInfo } from '../frames.ts'
import { NODE_FRAMES } from '../node-frames.ts'
import { MutableImage } from '../received-image.ts'
import { ByteReader } from './byte-reader.ts'
import { readDictionary, type ReceivedDictionary } from './dictionary.ts'
import { BITMAP_BYTES_MAX, FLAG, KIND } from './kinds.ts'
import { readPulse } from './pulse.ts'
import { readValue } from './value.ts'

export function createBinDecoder(): Decoder {
  return new BinDecoder()
}

class BinDecoder implements Decoder {
  readonly encoding = 'pulsewire.bin.v1'
  readonly #images = new Map<number, MutableImage>()
  readonly #dictionaries: ReceivedDictionary[] = []
  #feeds: readonly FeedInfo[] = []
  #epoch = 0

  decode(message: Uint8Array | string, handler: FrameHandler): void {
    if (typeof message === 'string') throw new ProtocolError('a text message on a binary session')
    const reader = new ByteReader(message)
    while (!reader.done) {
      const kind = reader.u8()
      if (kind >= KIND.update) this.#update(reader, kind, handler)
      else this.#framed(reader, kind, handler)
    }
  }

  open(ref: number, feedIndex: number): void {
    if (!this.#images.has(ref)) this.#images.set(ref, new MutableImage(ref, feedIndex))
  }

  close(ref: number): void {
    this.#images.delete(ref)
  }

  image(ref: number): ReceivedImage | undefined {
    return this.#images.get(ref)
  }

  fieldNames(feedIndex: number): readonly string[] {
    return this.#dictionary(feedIndex).names
  }

  #dictionary = (feedIndex: number): ReceivedDictionary => {
    if (feedIndex > 10_000) throw new ProtocolError(`feed index ${feedIndex}`)
    return (this.#dictionaries[feedIndex] ??= { names: [], scales: [] })
  }

  #framed(reader: ByteReader, kind: number, handler: FrameHandler): void {
    const frame = reader.part(reader.varint())
    if (kind === KIND.json) this.#control(frame, handler)
    else if (kind === KIND.pulse) handler.onPulse(readPulse(frame, this.#epoch, (index) => this.#feedName(index)))
    else if (kind === KIND.mark) handler.onControl({ t: 'mark', mark: frame.varint() })
    else if (kind === KIND.dictionary) readDictionary(frame, this.#dictionary)
  }

  #control(reader: ByteReader, handler: FrameHandler): void {
    const text = reader.textOf(reader.left)
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      throw new ProtocolError('a control frame is not JSON')
    }
    const frame = checkControl(parsed, NODE_FRAMES)
    if (frame === undefined) return
    if (frame.t === 'welcome') this.#epoch = frame.epoch
    if (frame.t === 'welcome' || frame.t === 'feeds') this.#feeds = frame.feeds
    handler.onControl(frame)
  }

  #feedName(index: number): string {
    const feed = this.#feeds[index]
    if (feed === undefined) throw new ProtocolError(`a pulse for feed index ${index}, which welcome does not list`)
    return feed.feed
  }

  #update(reader: ByteReader, kind: number, handler: FrameHandler): void {
    const flags = kind & 0x7f
    const ref = reader.varint()
    const known = this.#images.get(ref)
    // Without its image an update of fields cannot be skipped by length, so it is read into one that is thrown away.
    const image = known ?? new MutableImage(ref, -1)
    this.#header(reader, flags, image, known !== undefined)
    if ((flags & (FLAG.snapshot | FLAG.deleted)) !== 0) {
      image.values = []
      image.raw = null
    }
    image.changed.length = 0
    if ((flags & FLAG.deleted) === 0) {
      if ((flags & FLAG.raw) !== 0) image.raw = reader.raw(reader.varint()).slice()
      else this.#fields(reader, image, known !== undefined)
    }
    if (known !== undefined) handler.onUpdate(known)
  }

  #header(reader: ByteReader, flags: number, image: MutableImage, known: boolean): void {
    if ((flags & FLAG.place) !== 0) {
      image.generation = reader.varint()
      image.partition = reader.varint()
    } else if (known && image.offset < 0) throw new ProtocolError('the first update of a ref does not say where it lies')
    image.snapshot = (flags & FLAG.snapshot) !== 0
    image.deleted = (flags & FLAG.deleted) !== 0
    const inSteps = (flags & FLAG.steps) !== 0
    const last = image.offset
    image.offset = reader.varint() + (inSteps ? last : 0)
    image.ts = reader.zigzag() + (inSteps ? image.ts : this.#epoch)
    image.n = (flags & FLAG.count) !== 0 ? reader.varint() : 1
    const hasPrev = (flags & FLAG.prev) !== 0
    image.prev = !hasPrev ? -1 : inSteps ? last : image.offset - reader.varint()
    if (!known) return
    if (inSteps && (flags & FLAG.place) !== 0) throw new ProtocolError('an update in steps says where it lies as well')
    if (image.offset > Number.MAX_SAFE_INTEGER) throw new ProtocolError('an offset above 2^53')
    if (hasPrev && image.prev < 0) throw new ProtocolError('the previous offset is below 0')
  }

  #fields(reader: ByteReader, image: MutableImage, known: boolean): void {
    const scales = known ? this.#dictionary(image.feedIndex).scales : undefined
    readBitmap(reader, image.changed)
    for (const index of image.changed) {
      const scale = scales?.[index]
      if (scales !== undefined && scale === undefined) throw new ProtocolError(`field index ${index} is not in the dictionary`)
      const old = known ? image.values[index] : 0
      image.values[index] = readValue(reader, old, scale ?? 0)
    }
  }
}

function readBitmap(reader: ByteReader, indexes: number[]): void {
  for (let base = 0; ; base += 7) {
    if (base >= 7 * BITMAP_BYTES_MAX) throw new ProtocolError(`a bitmap longer than ${BITMAP_BYTES_MAX} bytes`)
    const byte = reader.u8()
    for (let bit = 0; bit < 7; bit++) if ((byte & (1 << bit)) !== 0) indexes.push(base + bit)
    if (byte < 128) return
  }
}
