const SLAB_BYTES = 64 * 1024
/** What is larger gets memory of its own: it would waste the rest of a slab. */
const CARVED_BYTES_MAX = SLAB_BYTES / 8

/**
 * Memory for what is kept in order and dropped in order. Slices of Node's own pool would lie among those of everybody else:
 * one record that is kept keeps 8 KiB of others alive.
 */
export class Slab {
  #memory = Buffer.alloc(0)
  #at = 0

  /** @returns a copy that shares memory with its neighbours alone. */
  copy(bytes: Uint8Array): Buffer {
    if (bytes.length > CARVED_BYTES_MAX) {
      const own = Buffer.allocUnsafeSlow(bytes.length)
      own.set(bytes)
      return own
    }
    if (this.#at + bytes.length > this.#memory.length) {
      this.#memory = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#at = 0
    }
    this.#memory.set(bytes, this.#at)
    this.#at += bytes.length
    return this.#memory.subarray(this.#at - bytes.length, this.#at)
  }
}
