import { ProtocolError, type Decoder, type FrameHandler, type ReceivedImage } from '../decoder.ts'
import { checkControl, checkPulse, checkUpdate, CLIENT_FRAMES, frameType, type Frames } from '../frame-checks.ts'
import type { FeedInfo, FieldValue, UpdateFrame } from '../frames.ts'
import { NODE_FRAMES } from '../node-frames.ts'
import { parsePosition } from '../position.ts'
import { MutableImage } from '../received-image.ts'
import { base64ToBytes } from './base64.ts'
import { sameValue } from './same-value.ts'

export function createJsonDecoder(): Decoder {
  return new JsonDecoder(NODE_FRAMES)
}

/** One that passes over frames that only nodes take. */
export function createClientJsonDecoder(): Decoder {
  return new JsonDecoder(CLIENT_FRAMES)
}

/** Gives json.v1's whole images the same form as bin.v1's deltas: indexes of a dictionary of its own, and what changed. */
class JsonDecoder implements Decoder {
  readonly encoding = 'pulsewire.json.v1'
  readonly #images = new Map<number, MutableImage>()
  readonly #dictionaries: { names: string[]; indexes: Map<string, number> }[] = []
  readonly #frames: Frames
  #feeds: readonly FeedInfo[] = []

  constructor(frames: Frames) {
    this.#frames = frames
  }

  decode(message: Uint8Array | string, handler: FrameHandler): void {
    if (typeof message !== 'string') throw new ProtocolError('a binary message on a JSON session')
    let frames: unknown
    try {
      frames = JSON.parse(message)
    } catch {
      throw new ProtocolError('a message is not JSON')
    }
    if (!Array.isArray(frames)) throw new ProtocolError('a message is no array of frames')
    for (const frame of frames) this.#frame(frame, handler)
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

  #frame(frame: unknown, handler: FrameHandler): void {
    const t = frameType(frame)
    if (t === 'update') this.#update(frame, handler)
    else if (t === 'pulse') this.#pulse(frame, handler)
    else {
      const control = checkControl(frame, this.#frames)
      if (control === undefined) return
      if (control.t === 'welcome' || control.t === 'feeds') this.#feeds = control.feeds
      handler.onControl(control)
    }
  }

  #pulse(frame: unknown, handler: FrameHandler): void {
    checkPulse(frame)
    if (frame.feed !== undefined && !this.#feeds.some((feed) => feed.feed === frame.feed)) {
      throw new ProtocolError(`a pulse for feed ${frame.feed}, which welcome does not list`)
    }
    handler.onPulse(frame)
  }

  #update(frame: unknown, handler: FrameHandler): void {
    const image = this.#images.get((frame as UpdateFrame).ref)
    if (image === undefined) return
    checkUpdate(frame)
    this.#apply(frame, image)
    handler.onUpdate(image)
  }

  #apply(frame: UpdateFrame, image: MutableImage): void {
    const position = parsePosition(frame.position)
    if (position === undefined) throw new ProtocolError(`no position: ${frame.position}`)
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
    if (frame.values !== undefined && !image.deleted) this.#values(frame.values, image)
    image.changed.length = 0
    if (image.deleted) return
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
