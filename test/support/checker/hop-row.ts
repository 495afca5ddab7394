import type { AnswerState, FieldValue, ReceivedImage, SubscribeFrame } from '@pulsewire/protocol'
import type { HeldImage } from './image.ts'
import type { ModelFeed, ModelSymbol } from './log-model.ts'

/** One answered row of a session, as protocol.md defines it, and what came under it. */
export class HopRow {
  readonly id: number
  readonly name: string
  readonly ref: number
  readonly feed: ModelFeed
  readonly feedIndex: number
  readonly fields: ReadonlySet<string> | null
  readonly every: boolean
  readonly periodMs: number
  state: AnswerState
  /** Positions asked to resume from that the answer may be to, as offsets. */
  from: readonly number[] = []
  /** Index of the newest record received (or known to be passed over); −1 before. */
  heldIndex = -1
  held: HeldImage | null = null
  /** A snapshot or replay was promised and has not begun. */
  promised = false
  /** Nothing came since the answer. */
  first = true
  /** A gap frame came: the next update may leave records out. */
  gapTold = false
  /** Pulse frames of the feed that came since the answer. */
  pulses = 0
  answeredAtMs = 0
  /** Answered at a deadline with what was known, which may be nothing: held to the log from its first update on. */
  excused = false
  /** World time since which `n` adds up. */
  countedSinceMs = 0

  constructor(frame: SubscribeFrame, name: string, ref: number, feed: ModelFeed, feedIndex: number) {
    this.id = frame.id
    this.name = name
    this.ref = ref
    this.feed = feed
    this.feedIndex = feedIndex
    this.fields = frame.fields === undefined ? null : new Set(frame.fields)
    this.every = (frame.delivery ?? (frame.maxRate === undefined ? feed.config.mode : 'latest')) === 'every'
    this.periodMs = frame.maxRate === undefined ? 0 : 1000 / frame.maxRate
    this.state = 'empty'
  }

  get symbol(): ModelSymbol | undefined {
    return this.feed.symbols.get(this.name)
  }

  answer(state: AnswerState, from: readonly number[]): void {
    this.state = state
    this.from = from
    this.first = true
    this.gapTold = false
    this.pulses = 0
    this.promised = state === 'snapshot' || state === 'recovered'
    this.heldIndex = -1
    this.held = null
  }

  describe(): string {
    const options = [
      this.every ? 'every' : 'latest',
      this.fields === null ? '' : `fields ${[...this.fields]}`,
      this.periodMs > 0 ? `each ${this.periodMs} ms` : '',
    ]
    return `${this.feed.config.name} ${this.name} (id ${this.id}, ref ${this.ref}, ${options.filter((text) => text !== '').join(', ')}, answered ${this.state})`
  }
}

/** Copies what a decoder holds. */
export function imageOf({ deleted, raw, values }: ReceivedImage, names: readonly string[]): HeldImage {
  const fields = new Map<string, FieldValue>()
  values.forEach((value, index) => {
    if (value !== undefined) fields.set(names[index]!, value)
  })
  return { deleted, raw, values: fields }
}
