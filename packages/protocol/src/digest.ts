const encoder = new TextEncoder()

/** Hash of one answered row, protocol.md section 8. */
export function rowHash(id: number, symbol: string): number {
  let hash = 2166136261
  for (const byte of encoder.encode(`${id} ${symbol}`)) hash = Math.imul(hash ^ byte, 16777619)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Digest of a set of answered rows: order does not matter, and adding a row twice takes it away again. */
export class SubscriptionDigest {
  #digest = 0
  #count = 0

  get value(): number {
    return this.#digest
  }
  get count(): number {
    return this.#count
  }
  add(id: number, symbol: string): void {
    this.#digest = (this.#digest ^ rowHash(id, symbol)) >>> 0
    this.#count++
  }
  remove(id: number, symbol: string): void {
    this.#digest = (this.#digest ^ rowHash(id, symbol)) >>> 0
    this.#count--
  }
  clear(): void {
    this.#digest = 0
    this.#count = 0
  }
}
