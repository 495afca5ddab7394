import { ProtocolError, type Decoder, type FrameHandler, type ReceivedImage } from '../decoder.ts'
import type { DownstreamFrame, FeedInfo, FieldValue, UpdateFrame } from '../frames.ts'
import { parsePosition } from '../position.ts'
import { MutableImage } from '../received-image.ts'
import { base64ToBytes } from './base64.ts'
import { sameValue } from './same-value.ts'

export function createJsonDecoder(): Decoder {
  return new JsonDecoder()
}

/** Gives json.v1's whole images the same form as bin.v1's deltas: indexes of a dictionary of its own, and what changed. */
class JsonDecoder implements Decoder {
  readonly encoding = 'pulsewire.json.v1'
  readonly #images = new Map<number, MutableImage>()
  readonly #dictionaries: { names: string[]; indexes: Map<string, number> }[] = []
  #feeds: readonly FeedInfo[] = []

  decode(message: Uint8Array | string, handler: FrameHandler): void {
    if (typeof message !== 'string') throw new ProtocolError('a binary message on a JSON session')
    let frames: unknown
    try {
      frames = JSON.parse(message)
    } catch {
      throw new ProtocolError('a message is not JSON')
    }
    if (!Array.isArray(frames)) throw new ProtocolError('a message is no array of frames')
    for (const frame of frames as DownstreamFrame[]) {
      if (frame === null || typeof frame !== 'object') throw new ProtocolError('a frame is no object')
      this.#frame(frame, handler)
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

  #dictionary(feedIndex: number) {
    return (this.#dictionaries[feedIndex] ??= { names: [], indexes: new Map() })
  }

  #frame(frame: DownstreamFrame, handler: FrameHandler): void {
    if (frame.t === 'update') {
      const image = this.#images.get(frame.ref)
      if (image === undefined) return
      this.#update(frame, image)
      handler.onUpdate(image)
    } else if (frame.t === 'pulse') {
      if (frame.feed !== undefined && !this.#feeds.some((feed) => feed.feed === frame.feed)) {
        throw new ProtocolError(`a pulse for feed ${frame.feed}, which welcome does not list`)
      }
      handler.onPulse(frame)
    } else {
      if (frame.t === 'welcome' || frame.t === 'feeds') this.#feeds = frame.feeds
      handler.onControl(frame)
    }
  }

  #update(frame: UpdateFrame, image: MutableImage): void {
    const position = parsePosition(frame.position)
    if (position === undefined) throw new ProtocolError(`no position: ${String(frame.position)}`)
    image.generation = position.generation
    image.partition = position.partition
    image.offset = position.offset
    image.ts = frame.ts
    image.n = frame.n ?? 1
    image.prev = frame.prev ?? -1
    image.snapshot = frame.snapshot === true
    image.deleted = frame.deleted === true
    image.raw = frame.raw === undefined ? null : base64ToBytes(frame.raw)
    const before = image.snapshot ? [] : image.values
    image.values = []
    if (frame.values !== undefined) this.#values(frame.values, image)
    image.changed.length = 0
    for (let index = 0; index < Math.max(before.length, image.values.length); index++) {
      if (!sameValue(before[index], image.values[index])) image.changed.push(index)
    }
  }

  #values(values: Readonly<Record<string, FieldValue>>, image: MutableImage): void {
    const { names, indexes } = this.#dictionary(image.feedIndex)
    for (const name of Object.keys(values)) {
      let index = indexes.get(name)
      if (index === undefined) {
        index = names.length
        names.push(name)
        indexes.set(name, index)
      }
      image.values[index] = values[name]
    }
  }
}
