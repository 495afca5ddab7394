import type { SendQueue } from '../runtime/send-queue.ts'

/** One connection as a session sees it: messages in order, both ways. A WebSocket in production, memory in simulation. */
export interface Transport {
  readonly encoding: 'pulsewire.bin.v1' | 'pulsewire.json.v1'
  /** Where the peer is, for logs and traces. */
  readonly remote: string
  /** An HTTP stream. Nothing is decided by it. */
  readonly isHttp?: boolean
  /** The peer has shown a certificate that is trusted here. */
  readonly isCertified?: boolean
  /** A token that came with the upgrade, for a `hello` without one; given once, and kept no longer. */
  takeBearer?(): string | undefined
  /** Bytes accepted by `send` that the kernel has not taken yet. */
  readonly bufferedBytes: number
  /** What the kernel says of what was sent; absent, or undefined, where it does not. Costs some milliseconds: for naming a stall. */
  sendQueue?(): SendQueue | undefined
  send(message: Uint8Array | string): void
  /** Says why, then closes; a peer that does not answer is cut after a moment. Idempotent. */
  close(code: number, reason: string): void
}

/** What a transport tells its session. */
export interface TransportHandler {
  message(message: Uint8Array | string): void
  /** So many frames came that carry no message: pings (answered already), pongs that nobody asked for, parts of a message beyond the first. */
  unasked?(frames: number): void
  /** The kernel took what was buffered. */
  drained(): void
  closed(code: number, reason: string): void
}
