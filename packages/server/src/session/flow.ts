/**
 * How much may be on its way to one receiver. Measured by acknowledgements, because socket buffers hide a thin line:
 * the kernel takes megabytes that then arrive a minute late. The window grows while acks come back fast and falls to
 * about what the line carries in a second otherwise, so that what does arrive is new. A line that turns thin is noticed
 * before that, by an acknowledgement that is overdue: until it is there, no more may be on its way than the smallest window,
 * because all of it would stand in the same row. Pulses and answers still fit into that: a receiver that is only held up
 * for a moment must not lose its proof.
 */

/** A window never falls below this: one snapshot of a few symbols has to fit. */
const WINDOW_BYTES_MIN = 2 * 1024
const WINDOW_BYTES_START = 32 * 1024
/** A round trip under this means that the line is not full. */
const FAST_ROUND_TRIP_MS = 400
/** What a thin line may hold, in time. */
const IN_FLIGHT_TARGET_MS = 1000
/** An acknowledgement is overdue when it takes so much longer than the quickest one of this receiver. */
const OVERDUE_AFTER_MS = 500
/** And the receiver is behind when it takes so much longer. Not before: this process itself may have stood still, with the answer in its socket. */
const BEHIND_AFTER_MS = 2000

interface Tag {
  readonly kind: 'pulse' | 'mark'
  readonly number: number
  readonly sentBytes: number
  /** What had been acknowledged when it was sent. */
  readonly ackedBytes: number
  readonly atMs: number
}

export interface FlowAccount {
  readonly windowBytes: number
  readonly inFlightBytes: number
  readonly roundTripMs: number
  /** For how long the oldest of what is to be acknowledged has waited; 0: nothing waits. */
  readonly unacknowledgedMs: number
  /** The newest pulse that was acknowledged; 0: none. */
  readonly acknowledgedPulse: number
  readonly acknowledgedAgoMs: number | null
}

export class FlowWindow {
  windowBytes = WINDOW_BYTES_START
  /** What the last acknowledgement took; before the first, what a poor line takes. */
  roundTripMs = 500
  /** The line alone, with nothing waiting in it: the least that was seen. */
  #leastRoundTripMs = Infinity
  #sentBytes = 0
  #ackedBytes = 0
  #tagged = 0
  #tags: Tag[] = []
  #nextMark = 1
  /** When the receiver last proved that it takes something. */
  #progressAtMs: number
  #bufferedBytes = 0
  #ackedPulse = 0
  #ackedPulseAtMs = -Infinity
  readonly #windowBytesMax: number

  constructor(nowMs: number, windowBytesMax: number) {
    this.#progressAtMs = nowMs
    this.#windowBytesMax = windowBytesMax
  }

  get inFlightBytes(): number {
    return this.#sentBytes - this.#ackedBytes
  }

  /** As it is now, for whoever asks. */
  account(nowMs: number): FlowAccount {
    const oldest = this.#tags[0]
    return {
      windowBytes: Math.round(this.windowBytes),
      inFlightBytes: this.inFlightBytes,
      roundTripMs: Math.round(this.roundTripMs),
      unacknowledgedMs: oldest === undefined ? 0 : Math.round(nowMs - oldest.atMs),
      acknowledgedPulse: this.#ackedPulse,
      acknowledgedAgoMs: this.#ackedPulseAtMs === -Infinity ? null : Math.round(nowMs - this.#ackedPulseAtMs),
    }
  }

  /** Bytes that may be sent now. */
  openBytes(nowMs: number): number {
    const windowBytes = this.#isOverdue(nowMs, OVERDUE_AFTER_MS) ? Math.min(this.windowBytes, WINDOW_BYTES_MIN) : this.windowBytes
    return windowBytes - this.inFlightBytes
  }

  /** Whether it is the receiver that nothing more can be sent. */
  isBehind(nowMs: number): boolean {
    return this.inFlightBytes >= this.windowBytes || this.#isOverdue(nowMs, BEHIND_AFTER_MS)
  }

  #isOverdue(nowMs: number, afterMs: number): boolean {
    const oldest = this.#tags[0]
    return oldest !== undefined && nowMs - oldest.atMs > afterMs + Math.min(this.#leastRoundTripMs, this.roundTripMs)
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
    this.#sentBytes += bytes
    if (pulse > 0) this.#tag('pulse', pulse, nowMs)
    if (mark > 0) this.#tag('mark', mark, nowMs)
  }

  #tag(kind: Tag['kind'], number: number, nowMs: number): void {
    if (!this.#isOwed) this.#progressAtMs = nowMs
    this.#tags.push({ kind, number, sentBytes: this.#sentBytes, ackedBytes: this.#ackedBytes, atMs: nowMs })
    this.#tagged = this.#sentBytes
  }

  /** @returns whether that was waited for: `roundTripMs` is of this acknowledgement then. */
  acked(kind: 'pulse' | 'mark', number: number, nowMs: number): boolean {
    const index = this.#tags.findIndex((tag) => tag.kind === kind && tag.number === number)
    if (index < 0) return false
    const tag = this.#tags[index]!
    this.#tags.splice(0, index + 1)
    this.#ackedBytes = Math.max(this.#ackedBytes, tag.sentBytes)
    if (kind === 'pulse') {
      this.#ackedPulse = number
      this.#ackedPulseAtMs = nowMs
    }
    this.#progressAtMs = nowMs
    this.roundTripMs = nowMs - tag.atMs
    this.#leastRoundTripMs = Math.min(this.#leastRoundTripMs, this.roundTripMs)
    this.#adapt(tag.sentBytes - tag.ackedBytes, nowMs - tag.atMs)
    return true
  }

  /** @param carriedBytes what the line carried within the round trip: everything that was on its way, not the last message alone. */
  #adapt(carriedBytes: number, roundTripMs: number): void {
    if (roundTripMs <= FAST_ROUND_TRIP_MS) {
      if (carriedBytes * 4 >= this.windowBytes) this.windowBytes = Math.min(this.windowBytes * 2, this.#windowBytesMax)
      return
    }
    if (carriedBytes * 8 < this.windowBytes) return
    this.windowBytes = clamp((carriedBytes / roundTripMs) * IN_FLIGHT_TARGET_MS, WINDOW_BYTES_MIN, this.#windowBytesMax)
  }

  /** Whether the receiver has something to acknowledge, or its socket something to take. */
  get #isOwed(): boolean {
    return this.#tags.length > 0 || this.#bufferedBytes > 0
  }

  /** How long the receiver has taken nothing although something waits for it; 0 when nothing does. To be asked now and then. */
  silentMs(nowMs: number, bufferedBytes: number): number {
    if (bufferedBytes < this.#bufferedBytes || !this.#isOwed) this.#progressAtMs = nowMs
    this.#bufferedBytes = bufferedBytes
    return this.#isOwed ? nowMs - this.#progressAtMs : 0
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
