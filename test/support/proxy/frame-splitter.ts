/** Collects bytes and cuts them into frames, each handed on whole. */
export class FrameSplitter {
  #bytes: Buffer = Buffer.alloc(0)
  readonly #lengthOf: (bytes: Buffer) => number | undefined

  /** @param lengthOf length of the frame that these bytes begin with; `undefined` while too few of them are there. */
  constructor(lengthOf: (bytes: Buffer) => number | undefined) {
    this.#lengthOf = lengthOf
  }

  push(chunk: Buffer): Buffer[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    const frames: Buffer[] = []
    for (;;) {
      const length = this.#lengthOf(this.#bytes)
      if (length === undefined || this.#bytes.length < length) return frames
      frames.push(this.#bytes.subarray(0, length))
      this.#bytes = this.#bytes.subarray(length)
    }
  }

  /** What is left after the last whole frame; gone from here. */
  rest(): Buffer {
    const rest = this.#bytes
    this.#bytes = Buffer.alloc(0)
    return rest
  }
}
