/**
 * How much may be on its way to one receiver. Measured by acknowledgements, because socket buffers hide a thin line:
 * the kernel takes megabytes that then arrive a minute late. The window grows while acks come back fast and falls to
 * about what the line carries in a second otherwise, so that what does arrive is new.
 */

/** A window never falls below this: one snapshot of a few symbols has to fit. */
const WINDOW_BYTES_MIN = 2 * 1024
const WINDOW_BYTES_START = 32 * 1024
/** A round trip under this means that the line is not full. */
const FAST_ROUND_TRIP_MS = 400
/** What a thin line may hold, in time. */
const IN_FLIGHT_TARGET_MS = 1000

interface Tag {
  readonly kind: 'pulse' | 'mark'
  readonly number: number
  readonly sentBytes: number
  readonly atMs: number
}

export class FlowWindow {
  windowBytes = WINDOW_BYTES_START
  #sentBytes = 0
  #ackedBytes = 0
  #tagged = 0
  #tags: Tag[] = []
  #nextMark = 1
  /** When the receiver last proved that it takes something. */
  #progressAtMs: number
  #lowestBuffered = 0
  readonly #windowBytesMax: number

  constructor(nowMs: number, windowBytesMax: number) {
    this.#progressAtMs = nowMs
    this.#windowBytesMax = windowBytesMax
  }

  get inFlightBytes(): number {
    return this.#sentBytes - this.#ackedBytes
  }

  /** Bytes that may be sent now. */
  get openBytes(): number {
    return this.windowBytes - this.inFlightBytes
  }

  /** Whether an acknowledgement is due. With none due and the window closed, a mark has to ask for one. */
  get awaitsAck(): boolean {
    return this.#tags.length > 0
  }

  /** Whether a message that is about to be sent should carry a mark, because much was sent since the last tag. */
  wantsMark(messageBytes: number): boolean {
    return this.#sentBytes + messageBytes - this.#tagged >= this.windowBytes / 4
  }

  nextMark(): number {
    return this.#nextMark++
  }

  /** A message went out; `pulse` or `mark` number it, when it will be acknowledged. */
  sent(bytes: number, nowMs: number, pulse: number, mark: number): void {
    if (this.inFlightBytes === 0) this.#progressAtMs = nowMs
    this.#sentBytes += bytes
    if (pulse > 0) this.#tags.push({ kind: 'pulse', number: pulse, sentBytes: this.#sentBytes, atMs: nowMs })
    if (mark > 0) this.#tags.push({ kind: 'mark', number: mark, sentBytes: this.#sentBytes, atMs: nowMs })
    if (pulse > 0 || mark > 0) this.#tagged = this.#sentBytes
  }

  acked(kind: 'pulse' | 'mark', number: number, nowMs: number): void {
    const index = this.#tags.findIndex((tag) => tag.kind === kind && tag.number === number)
    if (index < 0) return
    const tag = this.#tags[index]!
    this.#tags.splice(0, index + 1)
    const ackedNow = tag.sentBytes - this.#ackedBytes
    this.#ackedBytes = Math.max(this.#ackedBytes, tag.sentBytes)
    this.#progressAtMs = nowMs
    this.#adapt(ackedNow, nowMs - tag.atMs)
  }

  #adapt(ackedBytes: number, roundTripMs: number): void {
    if (roundTripMs <= FAST_ROUND_TRIP_MS) {
      if (ackedBytes * 4 >= this.windowBytes) this.windowBytes = Math.min(this.windowBytes * 2, this.#windowBytesMax)
      return
    }
    // The line is full, so what came back within a round trip is what it carries in that time.
    const carried = (ackedBytes / roundTripMs) * IN_FLIGHT_TARGET_MS
    if (ackedBytes * 8 >= this.windowBytes) this.windowBytes = clamp(carried, WINDOW_BYTES_MIN, this.#windowBytesMax)
  }

  /** How long the receiver has taken nothing although something is on its way; 0 when nothing is. */
  silentMs(nowMs: number, bufferedBytes: number): number {
    if (bufferedBytes < this.#lowestBuffered) this.#progressAtMs = nowMs
    this.#lowestBuffered = bufferedBytes
    return this.inFlightBytes === 0 ? 0 : nowMs - this.#progressAtMs
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
