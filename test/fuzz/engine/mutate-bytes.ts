import type { Random } from '../../simulation/world/random.ts'

/** What a byte of a varint, a length, a count or a flag may be replaced with to do the most harm. */
const NASTY = [0x00, 0x01, 0x02, 0x03, 0x06, 0x7b, 0x7f, 0x80, 0x81, 0x85, 0xbf, 0xc0, 0xff] as const
const VARINTS = [
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x04],
  [0x80, 0x00],
] as const
const CHUNK_MAX = 32

/** One edit of bytes, whatever they mean. */
export function mutateBytes(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = random.int(0, bytes.length)
  switch (random.int(0, 8)) {
    case 0:
      return replaced(bytes, at, 1, [random.int(0, 255)])
    case 1:
      return replaced(bytes, at, 1, [random.pick(NASTY)])
    case 2:
      return replaced(bytes, at, 1, [(bytes[at] ?? 0) ^ (1 << random.int(0, 7))])
    case 3:
      return replaced(bytes, at, random.int(0, 2), random.pick(VARINTS))
    case 4:
      return bytes.slice(0, at)
    case 5:
      return replaced(bytes, at, random.int(1, CHUNK_MAX), [])
    case 6:
      return replaced(bytes, at, 0, bytes.subarray(at, at + random.int(1, CHUNK_MAX)))
    case 7: {
      const from = random.int(0, other.length)
      return replaced(bytes, at, random.int(0, CHUNK_MAX), other.subarray(from, from + random.int(1, CHUNK_MAX)))
    }
    default:
      return replaced(bytes, at, 1, [((bytes[at] ?? 0) + random.pick([1, 255])) & 255])
  }
}

/** `bytes` with `count` of them from `at` replaced. */
export function replaced(bytes: Uint8Array, at: number, count: number, by: ArrayLike<number>): Uint8Array {
  const kept = Math.max(0, bytes.length - at - count)
  const result = new Uint8Array(at + by.length + kept)
  result.set(bytes.subarray(0, at))
  result.set(by, at)
  if (kept > 0) result.set(bytes.subarray(at + count), at + by.length)
  return result
}
