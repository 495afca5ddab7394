import type { ControlFrame, RefusedRow } from '@pulsewire/protocol'
import type { EntryBlock } from '../hub/index.ts'
import type { Composer } from './composer.ts'
import type { SessionContext } from './context.ts'
import type { DueQueue } from './due-queue.ts'
import { FlowWindow } from './flow.ts'
import { PulseOutbox } from './pulse-outbox.ts'
import { EAGER_BELOW_MS, rideMsOf, type Pulsed } from './pulse-wheel.ts'
import type { Flushable } from './scheduler.ts'
import { Slowness } from './slowness.ts'
import type { SubscriptionTable } from './table.ts'
import type { Transport } from './transport.ts'

/** What an update that is due counts for, beside the bytes that wait. */
const DUE_BYTES = 8
/**
 * Control frames, and the rows in them, that wait for a closed window, beyond one for each symbol that the session may
 * hold. Only a receiver that asks and takes no answers comes this far.
 */
const ROWS_BEYOND_MAX = 10_000

/** Whose outbox it is. */
export interface OutboxOwner extends Pulsed {
  readonly transport: Transport
  /** So many answers wait that it takes none. */
  overflowed(answers: number): void
}

export interface OutboxParts {
  readonly context: SessionContext
  readonly table: SubscriptionTable
  readonly due: DueQueue
  readonly openedAtMs: number
}

/** What waits to be sent to one receiver: answers and notices first, then updates, then the pulse behind all of it. */
export class Outbox implements Flushable {
  // The scheduler's.
  scheduled = false
  flushedAtMs = -Infinity
  readonly flow: FlowWindow
  readonly pulses: PulseOutbox
  readonly slowness = new Slowness()
  readonly #owner: OutboxOwner
  readonly #context: SessionContext
  readonly #table: SubscriptionTable
  readonly #due: DueQueue
  /** Per feed index. Made at their length: an array that grows by itself reserves room for many more. */
  readonly #known: number[]
  #controls: ControlFrame[] = []
  /** Of `#controls`, each with the rows in it. */
  #rows = 0
  #pulseDue = false
  /** A pulse is due, and goes with what is sent next. */
  #awaitsRide = false
  /** Something waits for an acknowledgement to be sent. */
  #isHeld = false
  #isClosed = false

  constructor(owner: OutboxOwner, { context, table, due, openedAtMs }: OutboxParts) {
    this.#owner = owner
    this.#context = context
    this.#table = table
    this.#due = due
    this.#known = new Array<number>(context.hub.feeds.length).fill(0)
    this.flow = new FlowWindow(openedAtMs, context.options.outboundBytesMax)
    this.pulses = new PulseOutbox(context.hub, table)
  }

  /** Updates that are to be sent. */
  get due(): number {
    return this.#due.entries
  }

  /** What waits for this receiver in this process: bytes that its socket has not taken, and updates that it is behind by. */
  get backlogBytes(): number {
    return this.#owner.transport.bufferedBytes + (this.slowness.isBehind ? 1 + this.#due.entries * DUE_BYTES : 0)
  }

  // ---- what is to be sent

  /** An answer or a notice. */
  control(frame: ControlFrame): void {
    if (this.#isClosed) return
    this.#push(frame)
    if (this.checkRoom()) this.schedule()
  }

  #push(frame: ControlFrame): void {
    this.#controls.push(frame)
    this.#rows += rowsOf(frame)
  }

  /** @returns false when more waits than may: its receiver has gone too far. */
  checkRoom(): boolean {
    const rows = this.#rows + this.#table.rowsOwed
    if (rows <= this.#context.options.subscriptionsMax + ROWS_BEYOND_MAX) return true
    this.#owner.overflowed(rows)
    return false
  }

  /** Of a symbol that comes to its end. Many that end together go into one frame. */
  ended(id: number, symbol: string, code: string, message: string): void {
    this.takeAnswers()
    const last = this.#controls.at(-1)
    if (last?.t === 'ended' && last.id === id) {
      ;(last.symbols as RefusedRow[]).push([symbol, code, message])
      this.#rows++
    } else this.control({ t: 'ended', id, symbols: [[symbol, code, message]] })
  }

  /** Answers that the table owes, in front of whatever is said next. */
  takeAnswers(): void {
    for (const frame of this.#table.takeAnswers()) {
      this.#push(frame)
      // A pulse says that all of what was answered before it is complete up to there: an older one does not know of this.
      this.pulses.forgetWaiting()
      // What was just answered is proven fresh at once, not only at the next pulse; and a gateway waits for the pulse,
      // because it says that everything promised has been sent.
      if (frame.done === true) this.#pulseDue ||= this.#owner.pulseIntervalMs < EAGER_BELOW_MS || this.pulses.awaitsFirst
    }
  }

  /** Something in the block may be new. */
  update(block: EntryBlock): void {
    this.#due.push(block)
    if (!this.scheduled) this.#context.scheduler.schedule(this)
  }

  pulse(): void {
    this.#pulseDue = true
    this.schedule()
  }

  /** With what goes out next. */
  pulseAlong(): void {
    this.#pulseDue = true
  }

  /** Where messages go out all the time, a pulse in one of them costs no write of its own. @returns false: the pulse may still come to ride on one. */
  meet(nowMs: number): boolean {
    const { pulseIntervalMs } = this.#owner
    const ride = !this.#awaitsRide && pulseIntervalMs >= EAGER_BELOW_MS && nowMs - this.flushedAtMs <= rideMsOf(this.#owner)
    this.#awaitsRide = ride
    if (ride) this.#pulseDue = true
    else this.pulse()
    return !ride
  }

  schedule(): void {
    if (!this.scheduled && !this.#isClosed) this.#context.scheduler.scheduleSoon(this)
  }

  /** There is room, as far as can be told: whatever waits is tried again. */
  resume(): void {
    if (this.#isHeld || this.slowness.isBehind || !this.#due.isEmpty || this.#pulseDue) this.schedule()
  }

  // ---- sending

  /** The scheduler's call: puts what is due into one message, as far as the receiver's line takes it. */
  flush(): void {
    if (this.#isClosed) return
    const nowMs = this.#context.hub.clock.nowMs()
    const open = this.flow.openBytes(nowMs)
    this.#isHeld = open <= 0 && this.flow.awaitsAck
    if (this.#isHeld) {
      if (this.flow.isBehind(nowMs)) this.slowness.fellBehind(nowMs)
      return
    }
    const composer = this.#context.composers[this.#owner.transport.encoding]
    composer.begin(this.#known)
    this.takeAnswers()
    for (const frame of this.#controls) composer.control(frame)
    this.#controls.length = 0
    this.#rows = 0
    if (this.#pulseDue && this.slowness.isBehind && !this.pulses.isWaiting) this.#awaitRound()
    this.#due.write(composer, open)
    if (composer.sampledOf !== null) this.#context.counts.latency.of(composer.sampledOf).observe(nowMs - composer.sampledTs)
    const pulse = this.#pulseDue ? this.#writePulse(composer, nowMs) : 0
    if (pulse > 0) this.#pulsed(nowMs)
    if (composer.size > 0 || open <= 0) this.#send(composer, nowMs, open, pulse)
    if (this.#due.isEmpty) this.slowness.caughtUp(nowMs)
    else this.schedule()
  }

  /** Nothing more is sent, nor kept. */
  close(): void {
    this.#isClosed = true
    this.#due.clear()
    this.#controls = []
  }

  /**
   * Behind all that precedes it. Where nothing is due any more that is the newest pulse; on a thin line, where something
   * is due always, the one that was the newest when what was due then began to be sent.
   * @returns its number, 0 where its time has not come.
   */
  #writePulse(composer: Composer, nowMs: number): number {
    const { counts } = this.#context
    if (this.#due.isEmpty) return this.pulses.write(composer, nowMs, counts)
    if (this.pulses.isWaiting) return this.#due.isRoundOver ? this.pulses.writeWaiting(composer, nowMs, counts) : 0
    this.#awaitRound()
    return 0
  }

  #awaitRound(): void {
    this.pulses.wait(this.#owner.transport.encoding)
    this.#due.beginRound()
  }

  #pulsed(nowMs: number): void {
    this.#pulseDue = false
    if (!this.#awaitsRide) return
    this.#awaitsRide = false
    this.#owner.nextPulseAtMs = nowMs + this.#owner.pulseIntervalMs
  }

  #send(composer: Composer, nowMs: number, openBytes: number, pulse: number): void {
    // A closed window that no acknowledgement is due to would stay closed: a mark asks for one.
    const mark = pulse === 0 && (openBytes <= 0 || this.flow.wantsMark(composer.size)) ? this.flow.nextMark() : 0
    if (mark !== 0) composer.mark(mark)
    this.flow.sent(composer.size, nowMs, pulse, mark)
    this.#context.counts.messages++
    this.#context.counts.bytes += composer.size
    this.#owner.transport.send(composer.finish())
  }
}

/** What a frame counts for while it waits. */
function rowsOf(frame: ControlFrame): number {
  if (frame.t === 'subscribed') return 1 + (frame.ok?.length ?? 0) + (frame.refused?.length ?? 0)
  if (frame.t === 'unsubscribed') return 1 + frame.ok.length + frame.unknown.length
  return frame.t === 'ended' ? 1 + frame.symbols.length : 1
}
