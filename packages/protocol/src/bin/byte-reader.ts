import { ProtocolError } from '../decoder.ts'

// A byte order mark is text like any other here; the default would swallow it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads one message. Every method throws ProtocolError where the message ends too early. */
export class ByteReader {
  readonly bytes: Uint8Array
  at = 0
  #view: DataView | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get done(): boolean {
    return this.at >= this.bytes.length
  }

  u8(): number {
    const byte = this.bytes[this.at]
    if (byte === undefined) throw new ProtocolError('message ends inside a frame')
    this.at++
    return byte
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
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
    const value = this.#view.getUint32(this.at, true)
    this.at += 4
    return value
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
    const raw = this.raw(byteLength)
    try {
      return decoder.decode(raw)
    } catch {
      throw new ProtocolError('text is not UTF-8')
    }
  }

  #need(count: number): void {
    if (this.at + count > this.bytes.length) throw new ProtocolError('message ends inside a frame')
  }
}

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}
