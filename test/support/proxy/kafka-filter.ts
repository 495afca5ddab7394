import { FrameSplitter } from './frame-splitter.ts'
import type { ByteFilter } from './pipe.ts'

const FETCH = 1

/** Swallows the answers to fetches of a Kafka connection while it is told to; everything else, heartbeats say, goes through. */
export class FetchSwallower {
  swallowing = false
  /** Answers that disappeared. */
  swallowed = 0

  /** For one connection. */
  filters(): { readonly up: ByteFilter; readonly down: ByteFilter } {
    const apiKeys = new Map<number, number>()
    const requests = new FrameSplitter(kafkaLength)
    const responses = new FrameSplitter(kafkaLength)
    const up = {
      push: (chunk: Buffer): Buffer => {
        const frames = requests.push(chunk)
        for (const frame of frames) apiKeys.set(frame.readInt32BE(8), frame.readInt16BE(4))
        return Buffer.concat(frames)
      },
    }
    const down = {
      push: (chunk: Buffer): Buffer =>
        Buffer.concat(
          responses.push(chunk).filter((frame) => {
            const correlationId = frame.readInt32BE(4)
            const isFetch = apiKeys.get(correlationId) === FETCH
            apiKeys.delete(correlationId)
            if (!isFetch || !this.swallowing) return true
            this.swallowed++
            return false
          }),
        ),
    }
    return { up, down }
  }
}

/** Requests and responses alike: four bytes of size, then so many. */
function kafkaLength(bytes: Buffer): number | undefined {
  return bytes.length < 4 ? undefined : 4 + bytes.readInt32BE(0)
}
