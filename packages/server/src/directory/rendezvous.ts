/**
 * Rendezvous hashing: whoever scores highest for a key owns it. The same on every node, without a word between them; when
 * a member comes or goes, only the keys that it owns move.
 */

/** The owner of the key; `undefined` when there are no members. Ties, which are rare, go to the lesser name. */
export function rendezvousOwner(key: string, members: Iterable<string>): string | undefined {
  let owner: string | undefined
  let highest = -1
  for (const member of members) {
    const score = rendezvousScore(key, member)
    if (score > highest || (score === highest && member < owner!)) {
      owner = member
      highest = score
    }
  }
  return owner
}

/** 32 bits. Never change it: nodes of two versions must agree. */
export function rendezvousScore(key: string, member: string): number {
  return mix(fnv1a(`${key}\u0000${member}`))
}

/** FNV-1a over UTF-16 code units. Its last characters hardly reach the high bits, hence `mix`. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
