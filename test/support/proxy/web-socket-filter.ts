import { FrameSplitter } from './frame-splitter.ts'
import type { ByteFilter } from './pipe.ts'

/** Waits for a WebSocket message, and makes it disappear. One trap serves all connections of a proxy. */
export class MessageTrap {
  #matches: ((payload: Buffer) => boolean) | null = null
  #caught: (() => void) | null = null
  #watches: ((payload: Buffer) => void) | null = null
  /** Messages that disappeared. */
  readonly dropped: Buffer[] = []

  /** The next message that matches goes missing. @returns when it has. */
  catchNext(matches: (payload: Buffer) => boolean): Promise<void> {
    this.#matches = matches
    return new Promise((resolve) => {
      this.#caught = resolve
    })
  }

  /** The next message that matches passes. @returns when it has. */
  seeNext(matches: (payload: Buffer) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#watches = (payload) => {
        if (matches(payload)) resolve()
      }
    })
  }

  takes(payload: Buffer): boolean {
    this.#watches?.(payload)
    if (this.#matches?.(payload) !== true) return false
    this.#matches = null
    this.dropped.push(payload)
    this.#caught?.()
    return true
  }
}

/** Passes WebSocket frames whole, except those that the trap takes: the stream stays valid, and nobody sees that one is gone. */
export class WebSocketFilter implements ByteFilter {
  readonly #trap: MessageTrap
  /** First the upgrade, up to its empty line. */
  #isUpgraded = false
  readonly #upgrade = new FrameSplitter((bytes) => {
    const end = bytes.indexOf('\r\n\r\n')
    return end < 0 ? undefined : end + 4
  })
  readonly #frames = new FrameSplitter((bytes) => frameLength(bytes))

  constructor(trap: MessageTrap) {
    this.#trap = trap
  }

  push(chunk: Buffer): Buffer {
    if (this.#isUpgraded) return this.#pass(chunk)
    const [head] = this.#upgrade.push(chunk)
    if (head === undefined) return Buffer.alloc(0)
    this.#isUpgraded = true
    return Buffer.concat([head, this.#pass(this.#upgrade.rest())])
  }

  #pass(chunk: Buffer): Buffer {
    return Buffer.concat(this.#frames.push(chunk).filter((frame) => !this.#trap.takes(payloadOf(frame))))
  }
}

function headerLength(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined
  const short = bytes[1]! & 0x7f
  const maskLength = (bytes[1]! & 0x80) === 0 ? 0 : 4
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + maskLength
}

function frameLength(bytes: Buffer): number | undefined {
  const header = headerLength(bytes)
  if (header === undefined || bytes.length < header) return undefined
  const short = bytes[1]! & 0x7f
  return header + (short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short)
}

function payloadOf(frame: Buffer): Buffer {
  const header = headerLength(frame)!
  const payload = Buffer.from(frame.subarray(header))
  if ((frame[1]! & 0x80) !== 0) {
    const mask = frame.subarray(header - 4, header)
    for (let i = 0; i < payload.length; i++) payload[i]! ^= mask[i % 4]!
  }
  return payload
}
