import type { LogRecord } from '../log.ts'

/*
 * Many records in one buffer: cloning thousands of small objects between processes costs far more than their bytes.
 * Per record: offset and timestamp (float64), key and value length (int32, -1 is null), header count (uint16), then
 * key, value, and per header name length (uint16), value length (uint32), name, value. Big-endian.
 */
const FIXED_BYTES = 8 + 8 + 4 + 4 + 2
const HEADER_FIXED_BYTES = 2 + 4

export function packRecords(records: readonly LogRecord[]): Buffer {
  const out = Buffer.allocUnsafe(records.reduce((sum, record) => sum + packedBytes(record), 0))
  let at = 0
  const append = (bytes: Uint8Array): void => {
    out.set(bytes, at)
    at += bytes.length
  }
  for (const { offset, timestampMs, key, value, headers } of records) {
    at = out.writeDoubleBE(offset, at)
    at = out.writeDoubleBE(timestampMs, at)
    at = out.writeInt32BE(key?.length ?? -1, at)
    at = out.writeInt32BE(value?.length ?? -1, at)
    at = out.writeUInt16BE(headers?.size ?? 0, at)
    if (key !== null) append(key)
    if (value !== null) append(value)
    for (const [name, bytes] of headers ?? []) {
      at = out.writeUInt16BE(Buffer.byteLength(name), at)
      at = out.writeUInt32BE(bytes.length, at)
      at += out.write(name, at)
      append(bytes)
    }
  }
  return out
}

/** Keys and values are views into `packed`. */
export function unpackRecords(packed: Uint8Array): LogRecord[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const records: LogRecord[] = []
  let at = 0
  const take = (length: number): Buffer | null => {
    if (length < 0) return null
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const offset = bytes.readDoubleBE(at)
    const timestampMs = bytes.readDoubleBE(at + 8)
    const keyLength = bytes.readInt32BE(at + 16)
    const valueLength = bytes.readInt32BE(at + 20)
    const headerCount = bytes.readUInt16BE(at + 24)
    at += FIXED_BYTES
    const record = { offset, timestampMs, key: take(keyLength), value: take(valueLength) }
    if (headerCount === 0) {
      records.push(record)
      continue
    }
    const headers = new Map<string, Uint8Array>()
    for (let i = 0; i < headerCount; i++) {
      const nameLength = bytes.readUInt16BE(at)
      const length = bytes.readUInt32BE(at + 2)
      at += HEADER_FIXED_BYTES
      headers.set(take(nameLength)!.toString('utf8'), take(length)!)
    }
    records.push({ ...record, headers })
  }
  return records
}

function packedBytes({ key, value, headers }: LogRecord): number {
  let bytes = FIXED_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, header] of headers ?? []) bytes += HEADER_FIXED_BYTES + Buffer.byteLength(name) + header.length
  return bytes
}
