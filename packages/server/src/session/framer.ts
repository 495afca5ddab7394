/**
 * Puts outgoing messages into WebSocket frames (RFC 6455, section 5.2), header and payload in one piece of memory, so
 * that a message is one write. The WebSocket library makes two of it, which costs a quarter of a small message's CPU
 * (docs/decisions/0003-outgoing-frames.md). Everything else of the protocol is the library's.
 */

const OPCODE = { text: 0x1, binary: 0x2 } as const
const FINAL = 0x80
/** A payload length up to this stands in the header's second byte. */
const SHORT_BYTES_MAX = 125
const HEADER_BYTES_MAX = 4
/** Frames are carved from slabs of this size. Larger ones are left to the library. */
const SLAB_BYTES = 64 * 1024

export const FRAMED_BYTES_MAX = SLAB_BYTES - HEADER_BYTES_MAX - 1

export class Framer {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #at = 0

  /** @param message of at most `FRAMED_BYTES_MAX` bytes. @returns memory that stays as it is. */
  binary(message: Uint8Array): Buffer {
    const start = this.#header(OPCODE.binary, message.length)
    this.#slab.set(message, this.#at)
    this.#at += message.length
    return this.#slab.subarray(start, this.#at)
  }

  /** @param bytes UTF-8 length of the message. */
  text(message: string, bytes: number): Buffer {
    const start = this.#header(OPCODE.text, bytes)
    this.#at += this.#slab.write(message, this.#at, bytes, 'utf8')
    return this.#slab.subarray(start, this.#at)
  }

  #header(opcode: number, bytes: number): number {
    if (this.#at + HEADER_BYTES_MAX + bytes > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#at = 0
    }
    const start = this.#at
    const slab = this.#slab
    slab[this.#at++] = FINAL | opcode
    if (bytes <= SHORT_BYTES_MAX) slab[this.#at++] = bytes
    else {
      slab[this.#at++] = 126
      slab[this.#at++] = bytes >>> 8
      slab[this.#at++] = bytes & 0xff
    }
    return start
  }
}
