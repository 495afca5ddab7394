/** A chunk as JSON has to fit into the smallest message that a node takes from a receiver, with room for the rest of the frame. */
export const CHUNK_BYTES_MAX = 8 * 1024
/**
 * Chunks on their way to the asker, over however many hops. Together less than the smallest flow window that a line in
 * good order has, so that quotes beside them find room.
 */
export const CHUNKS_IN_FLIGHT_MAX = 3

/** Cuts an answer into chunks of at most `CHUNK_BYTES_MAX` as JSON text, never within a character. */
export async function* chunksOf(parts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let held = ''
  for await (const part of parts) {
    held += part
    while (held.length >= CHUNK_BYTES_MAX) {
      const chunk = fitting(held)
      held = held.slice(chunk.length)
      yield chunk
    }
  }
  while (held.length > 0) {
    const chunk = fitting(held)
    held = held.slice(chunk.length)
    yield chunk
  }
}

function fitting(text: string): string {
  let length = Math.min(text.length, CHUNK_BYTES_MAX)
  while (length > 1) {
    // Half a surrogate pair would not survive the way.
    const last = text.charCodeAt(length - 1)
    const whole = last >= 0xd800 && last <= 0xdbff && length < text.length ? length - 1 : length
    const chunk = text.slice(0, whole)
    if (whole > 0 && Buffer.byteLength(JSON.stringify(chunk)) <= CHUNK_BYTES_MAX) return chunk
    length = length >> 1
  }
  return text.slice(0, 1)
}
