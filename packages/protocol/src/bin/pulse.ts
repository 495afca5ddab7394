import { ProtocolError } from '../decoder.ts'
import type { PulseFrame, PulseRow } from '../frames.ts'
import type { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { KIND } from './kinds.ts'

const payload = /* @__PURE__ */ new ByteWriter(512)

/**
 * @param feedIndex −1 for a bare heartbeat. Times are rounded to whole ms.
 * @throws RangeError when a row has not one age per node of its path: the receiver could not tell where it ends.
 */
export function writePulse(writer: ByteWriter, frame: PulseFrame, feedIndex: number, epoch: number): void {
  payload.length = 0
  payload.varint(frame.pulse)
  payload.zigzag(Math.round(frame.at - epoch))
  payload.varint(feedIndex + 1)
  if (feedIndex >= 0) writeRows(frame)
  writer.framed(KIND.pulse, payload.bytes.subarray(0, payload.length))
}

function writeRows(frame: PulseFrame): void {
  payload.varint(frame.generation ?? 0)
  const paths = frame.paths ?? []
  payload.varint(paths.length)
  for (const path of paths) {
    payload.varint(path.length)
    for (const node of path) payload.text(node)
  }
  const rows = frame.partitions ?? []
  payload.varint(rows.length)
  for (const [partition, offset, path, ageMs, arrivedAgesMs] of rows) {
    if (paths[path]?.length !== arrivedAgesMs.length) throw new RangeError(`the row of partition ${partition} does not fit its path`)
    payload.varint(partition)
    payload.varint(offset)
    payload.varint(path)
    payload.zigzag(Math.round(ageMs))
    for (const arrivedMs of arrivedAgesMs) payload.zigzag(Math.round(arrivedMs))
  }
}

/** @param feedNameOf gives the name for a feed index. */
export function readPulse(reader: ByteReader, epoch: number, feedNameOf: (feedIndex: number) => string): PulseFrame {
  const pulse = reader.varint()
  const at = epoch + reader.zigzag()
  const feedIndex = reader.varint() - 1
  if (feedIndex < 0) return { t: 'pulse', pulse, at }
  const generation = reader.varint()
  const paths: string[][] = []
  for (let count = reader.varint(); count > 0; count--) {
    const path: string[] = []
    for (let nodes = reader.varint(); nodes > 0; nodes--) path.push(reader.text())
    paths.push(path)
  }
  const partitions: PulseRow[] = []
  for (let count = reader.varint(); count > 0; count--) {
    const partition = reader.varint()
    const offset = reader.varint()
    const path = reader.varint()
    const ageMs = reader.zigzag()
    const arrivedAgesMs: number[] = []
    const nodesOfPath = paths[path]?.length
    if (nodesOfPath === undefined) throw new ProtocolError(`a pulse row names path ${path} of ${paths.length}`)
    for (let nodes = nodesOfPath; nodes > 0; nodes--) arrivedAgesMs.push(reader.zigzag())
    partitions.push([partition, offset, path, ageMs, arrivedAgesMs])
  }
  return { t: 'pulse', pulse, at, feed: feedNameOf(feedIndex), generation, paths, partitions }
}
