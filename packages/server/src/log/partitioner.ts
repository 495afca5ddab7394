/**
 * Kafka's default partitioner for keyed records, so that a symbol lies in the same partition whoever writes it.
 * Ported from `org.apache.kafka.common.utils.Utils.murmur2`; the test holds it to Kafka's own vectors.
 */
export function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995
  const length = data.length
  let h = 0x9747b28c ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const left = length - i
  if (left >= 3) h ^= data[i + 2]! << 16
  if (left >= 2) h ^= data[i + 1]! << 8
  if (left >= 1) h = Math.imul(h ^ data[i]!, m)
  h ^= h >>> 13
  h = Math.imul(h, m)
  h ^= h >>> 15
  return h | 0
}

/** The partition of `key` among `partitions`; strings are hashed as UTF-8, as Kafka's StringSerializer writes them. */
export function partitionForKey(key: string | Uint8Array, partitions: number): number {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key
  return (murmur2(bytes) & 0x7fffffff) % partitions
}
