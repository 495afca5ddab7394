import { ProtocolError } from '../decoder.ts'

// A byte order mark is text like any other here; the default would swallow it.
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** A text up to this is read byte by byte: for names, which are ASCII, that takes a fraction of the time. */
const SHORT_TEXT_BYTES = 32

/** Reads one message. Every method throws ProtocolError where the message ends too early. */
export class ByteReader {
  readonly bytes: Uint8Array
  at: number
  readonly #end: number
  #view: DataView | undefined

  /** Reads a part of the message, or all of it. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = start
    this.#end = end
  }

  get done(): boolean {
    return this.at >= this.#end
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#end - this.at
  }

  u8(): number {
    if (this.at >= this.#end) throw new ProtocolError('message ends inside a frame')
    return this.bytes[this.at++]!
  }

  varint(): number {
    let result = 0
    let factor = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      if (byte < 128) return this.#safe(result + byte * factor)
      result += (byte & 127) * factor
      factor *= 128
    }
    throw new ProtocolError('varint longer than 8 bytes')
  }

  #safe(value: number): number {
    if (value > Number.MAX_SAFE_INTEGER) throw new ProtocolError('varint of 2^53 or more')
    return value
  }

  zigzag(): number {
    return unzigzag(this.varint())
  }

  f64(): number {
    this.#need(8)
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
    const value = this.#view.getFloat64(this.at, true)
    this.at += 8
    return value
  }

  u32(): number {
    this.#need(4)
    const { bytes, at } = this
    this.at += 4
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  }

  /** A reader of the next `count` bytes alone, which are passed over here. */
  part(count: number): ByteReader {
    this.#need(count)
    this.at += count
    return new ByteReader(this.bytes, this.at - count, this.at)
  }

  /** A view, not a copy. */
  raw(count: number): Uint8Array {
    this.#need(count)
    const view = this.bytes.subarray(this.at, this.at + count)
    this.at += count
    return view
  }

  text(): string {
    return this.textOf(this.varint())
  }

  textOf(byteLength: number): string {
    this.#need(byteLength)
    const short = byteLength <= SHORT_TEXT_BYTES ? this.#ascii(byteLength) : undefined
    if (short !== undefined) return short
    const raw = this.raw(byteLength)
    try {
      return decoder.decode(raw)
    } catch {
      throw new ProtocolError('text is not UTF-8')
    }
  }

  /** A text of ASCII alone; `undefined`, and nothing is read, when there is anything else in it. */
  #ascii(byteLength: number): string | undefined {
    const { bytes, at } = this
    let text = ''
    for (let i = at; i < at + byteLength; i++) {
      if (bytes[i]! > 127) return undefined
      text += String.fromCharCode(bytes[i]!)
    }
    this.at += byteLength
    return text
  }

  #need(count: number): void {
    if (this.at + count > this.#end) throw new ProtocolError('message ends inside a frame')
  }
}

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}
