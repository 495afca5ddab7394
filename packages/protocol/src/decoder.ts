/**
 * What a receiver decodes into. Both encodings hand out the same things, so that neither the SDK nor a gateway's link
 * knows which one is spoken. A decoder holds one image per open ref, because bin.v1 sends only what changed.
 */
import type { ControlFrame, Encoding, FieldValue, PulseFrame, UpstreamFrame } from './frames.ts'

/**
 * The state of one ref. The decoder reuses the object and its arrays for the next update of the ref: read what you
 * need during the callback, copy what you keep.
 */
export interface ReceivedImage {
  readonly ref: number
  /** Index into the feeds of `welcome`. */
  readonly feedIndex: number
  readonly generation: number
  readonly partition: number
  /** −1 before the first update. */
  readonly offset: number
  readonly ts: number
  /** Records that the last update stood for; 0 when the sender could not know (a snapshot). */
  readonly n: number
  /** Offset of the symbol's previous record, or −1 when not told. */
  readonly prev: number
  readonly snapshot: boolean
  readonly deleted: boolean
  /** The value of a `raw` feed. */
  readonly raw: Uint8Array | null
  /** By dictionary index; `undefined` where the image has no such field. */
  readonly values: readonly (FieldValue | undefined)[]
  /**
   * Dictionary indexes that the last update named, in ascending order; of a snapshot, all that the image has; of a deletion,
   * none. After conflation bin.v1 may name a field that went away and came back to what it was; json.v1 does not.
   */
  readonly changed: readonly number[]
}

export interface FrameHandler {
  onUpdate(image: ReceivedImage): void
  onPulse(frame: PulseFrame): void
  onControl(frame: ControlFrame): void
}

export interface Decoder {
  readonly encoding: Encoding
  /**
   * Decodes one WebSocket message and calls the handler once per frame, in order.
   * Updates for refs that are not open are skipped. Unknown frames are skipped.
   * @throws ProtocolError when the message cannot be decoded; nothing of the session can be trusted then.
   */
  decode(message: Uint8Array | string, handler: FrameHandler): void
  /** Opens a ref of an `ok` row. Call it from `onControl`: updates may follow in the same message. */
  open(ref: number, feedIndex: number): void
  /** Forgets a ref. */
  close(ref: number): void
  /** The image held for an open ref. */
  image(ref: number): ReceivedImage | undefined
  /** Field names of a feed by dictionary index; grows, never shrinks. */
  fieldNames(feedIndex: number): readonly string[]
}

/** Encodes what a receiver sends, for either encoding. */
export type EncodeUpstream = (frame: UpstreamFrame) => Uint8Array | string

/** The peer's bytes break docs/protocol.md. */
export class ProtocolError extends Error {
  readonly code = 'protocol_error'
  readonly retryable = true
  constructor(message: string) {
    super(message)
    this.name = 'ProtocolError'
  }
}
