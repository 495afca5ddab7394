const encoder = /* @__PURE__ */ new TextEncoder()
/** A text up to this is looked at unit by unit; its length takes one byte. */
const SHORT_TEXT = 32

/** Appends to a growing buffer. `bytes.subarray(0, length)` is what was written. */
export class ByteWriter {
  bytes: Uint8Array
  length = 0
  /** Made when needed: of a small buffer it costs more than everything else. */
  #view: DataView | null = null

  constructor(capacityBytes = 1024) {
    this.bytes = new Uint8Array(capacityBytes)
  }

  /** Makes room for `count` more bytes. */
  ensure(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
    this.#view = null
  }

  u8(value: number): void {
    this.ensure(1)
    this.bytes[this.length++] = value
  }

  /**
   * Unsigned LEB128.
   * @param value a whole number from 0 to 2^53 − 1.
   * @throws RangeError when it is not in that range; anything else would corrupt the stream unseen.
   */
  varint(value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw new RangeError(`${value} cannot be a varint`)
    this.ensure(8)
    const bytes = this.bytes
    let at = this.length
    let rest = value
    // Bit operations work on 31 bits only; the high part of large numbers goes by division.
    while (rest > 0x7fffffff) {
      bytes[at++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128
      rest >>>= 7
    }
    bytes[at++] = rest
    this.length = at
  }

  /** A signed whole number below 2^52 in size. */
  zigzag(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1)
  }

  f64(value: number): void {
    this.ensure(8)
    this.#view ??= new DataView(this.bytes.buffer)
    this.#view.setFloat64(this.length, value, true)
    this.length += 8
  }

  u32(value: number): void {
    this.ensure(4)
    const bytes = this.bytes
    for (let shift = 0; shift < 32; shift += 8) bytes[this.length++] = value >>> shift
  }

  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** Varint byte length, then UTF-8. */
  text(text: string): void {
    if (text.length <= SHORT_TEXT && this.#ascii(text)) return
    const encoded = encoder.encode(text)
    this.varint(encoded.length)
    this.raw(encoded)
  }

  /** A short text of ASCII alone, as names are: copied here, it takes a fraction of the time. @returns whether it was one. */
  #ascii(text: string): boolean {
    this.ensure(text.length + 1)
    const bytes = this.bytes
    let at = this.length
    bytes[at++] = text.length
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 127) return false
      bytes[at++] = unit
    }
    this.length = at
    return true
  }

  /** A frame with a length: runs `payload` and puts its length before it. */
  framed(kind: number, payload: Uint8Array): void {
    this.u8(kind)
    this.varint(payload.length)
    this.raw(payload)
  }

  /** A copy of what was written; the writer is empty again. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length)
    this.length = 0
    return taken
  }
}
