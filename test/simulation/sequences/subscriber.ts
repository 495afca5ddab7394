import {
  encodeUpstreamFor,
  formatPosition,
  type ControlFrame,
  type Encoding,
  type PulseFrame,
  type SubscribeFrame,
} from '@pulsewire/protocol'
import type { UpstreamFrame } from '@pulsewire/protocol'
import { HopMonitor, type HopOptions } from '../../support/checker/hop-monitor.ts'
import type { Data } from '../world/pipe.ts'

export interface SubscriberOptions extends HopOptions {
  readonly feed: string
  readonly encoding: Encoding
  readonly send: (data: Data) => void
  /** By symbol, positions that it held on another session. */
  readonly left?: ReadonlyMap<string, string>
}

/** A receiver by the book that subscribes as it is told, resumes where it can, and acknowledges. */
export class Subscriber extends HopMonitor {
  readonly #feed: string
  readonly #send: (data: Data) => void
  readonly #encode: (frame: UpstreamFrame) => Data
  #highestPulse = 0
  readonly #marks: number[] = []
  /** By symbol, what it last held and unsubscribed: it may resume from there much later. */
  readonly #left: Map<string, string>
  /** Ids in use, so that it never unsubscribes what it never asked for. */
  readonly #used = new Set<number>()

  constructor({ feed, encoding, send, left, ...options }: SubscriberOptions) {
    super(options)
    this.#feed = feed
    this.#send = send
    this.#encode = encodeUpstreamFor(encoding)
    this.#left = new Map(left)
    this.opened(encoding)
  }

  /** The connection is open. */
  hello(): void {
    this.#say({ t: 'hello', client: 'test' })
  }

  /** A message comes. */
  take(data: Data): void {
    this.#highestPulse = 0
    this.received(data)
    for (const mark of this.#marks.splice(0)) this.#say({ t: 'ack', mark })
    if (this.#highestPulse > 0) this.#say({ t: 'ack', pulse: this.#highestPulse, count: this.digest.count, digest: this.digest.value })
  }

  override onPulse(frame: PulseFrame): void {
    this.#highestPulse = Math.max(this.#highestPulse, frame.pulse)
    super.onPulse(frame)
  }

  override onControl(frame: ControlFrame): void {
    if (frame.t === 'mark') this.#marks.push(frame.mark)
    super.onControl(frame)
  }

  subscribe(frame: SubscribeFrame, resume: boolean): void {
    const from: Record<string, string> = {}
    // Of a pattern alone all that it brought is resumed.
    const isResumed = (name: string) => resume && (frame.symbols?.includes(name) ?? true)
    for (const [name, position] of this.#left) if (isResumed(name)) from[name] = position
    for (const [name, position] of this.#held(frame.id)) if (isResumed(name)) from[name] = position
    this.#used.add(frame.id)
    this.#say({ ...frame, ...(Object.keys(from).length === 0 ? {} : { from }) })
  }

  /** @returns whether there was anything to unsubscribe from. */
  unsubscribe(id: number, symbols: readonly string[] | null): boolean {
    if (!this.#used.has(id)) return false
    for (const [name, position] of this.#held(id)) this.#left.set(name, position)
    this.#say(symbols === null ? { t: 'unsubscribe', id } : { t: 'unsubscribe', id, symbols })
    return true
  }

  /** All positions from which it could resume on another session. */
  positions(): Map<string, string> {
    const all = new Map(this.#left)
    for (const row of this.rows.values()) for (const [name, position] of this.#held(row.id)) all.set(name, position)
    return all
  }

  *#held(id: number): Generator<[string, string]> {
    for (const row of this.rows.values()) {
      if (row.id !== id || row.held === null) continue
      const { partition, records } = this.options.model.symbol(this.#feed, row.name)!
      yield [row.name, formatPosition({ generation: 1, partition, offset: records[row.heldIndex]!.offset })]
    }
  }

  #say(frame: UpstreamFrame): void {
    const data = this.#encode(frame)
    this.sent(data)
    this.#send(data)
  }
}
