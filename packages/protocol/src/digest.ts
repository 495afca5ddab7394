const encoder = /* @__PURE__ */ new TextEncoder()

/** Hash of one answered row, protocol.md section 8. */
export function rowHash(id: number, symbol: string): number {
  const text = `${id} ${symbol}`
  let hash = 2166136261
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 127) {
      hash = fnv1a32(encoder.encode(text))
      break
    }
    hash = Math.imul(hash ^ unit, 16777619)
  }
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function fnv1a32(bytes: Uint8Array): number {
  let hash = 2166136261
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619)
  return hash
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
