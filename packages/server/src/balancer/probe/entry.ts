import {
  createDecoder,
  encodeUpstreamFor,
  ENCODINGS,
  type ControlFrame,
  type Decoder,
  type FrameHandler,
  type PulseFrame,
  type UpstreamFrame,
  type WelcomeFrame,
} from '@pulsewire/protocol'
import { PROBE_PATTERN } from '../../access/index.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { ConnectProbe, ProbeConnection } from './connect.ts'

const encode = encodeUpstreamFor(ENCODINGS[0])

/** Whoever waits for longer would have gone elsewhere. */
const DEADLINE_MS = 2000
/** The gateway closes once it has read `bye`; one that does not is left. */
const LEAVE_MS = 1000
/** The door is open to others: only this balancer's address has as many connections as one may have. */
const ADDRESS_LIMITED = /^answered with 429\b/

export interface EntryOptions {
  readonly address: string
  /** What it says in `hello`. */
  readonly client: string
  /** Read anew for each, as a client would come with its newest token. */
  readonly token: () => string | undefined
  readonly connect: ConnectProbe
  readonly clock: Clock
  /** Feeds of which sessions that are open get pulses: a new one has to get them as well. */
  readonly owed: () => readonly string[]
  /** @returns why that is not who was asked for; `null`: it is. */
  readonly objection: (frame: WelcomeFrame) => string | null
  /** Once. `null`: it was let in, and served, or something (`note`) speaks against this one alone. */
  readonly ended: (failure: string | null, note?: string) => void
}

/** One new client of a gateway: comes in, gets what it is owed, and leaves. */
export class Entry implements FrameHandler {
  readonly #options: EntryOptions
  readonly #decoder: Decoder = createDecoder(ENCODINGS[0])
  readonly #brought = new Set<string>()
  /** Until it has to be served; then, until it has to be gone. */
  #timer: Timer | null = null
  #unanswered: number | null = null
  #hasPulse = false
  #connection: ProbeConnection | null = null
  #isOver = false

  constructor(options: EntryOptions) {
    this.#options = options
  }

  open(): void {
    const { clock, connect, address } = this.#options
    this.#timer = clock.after(DEADLINE_MS, () => this.#fail(`${this.#missing()} within ${DEADLINE_MS} ms`))
    try {
      this.#connection = connect(address, {
        opened: () => {
          if (!this.#isOver) this.#hello()
        },
        message: (message) => this.#message(message),
        closed: (reason) => this.#closed(reason),
      })
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error))
    }
  }

  /** Ends it, whatever it would have shown. */
  close(): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#connection?.drop()
    this.#connection = null
  }

  #hello(): void {
    const { client, token: tokenOf } = this.#options
    const token = tokenOf()
    this.#send({ t: 'hello', client, pulseIntervalMs: 0, ...(token === undefined ? {} : { token }) })
  }

  #send(frame: UpstreamFrame): void {
    this.#connection?.send(encode(frame))
  }

  #message(message: Uint8Array | string): void {
    if (this.#isOver) return
    try {
      this.#decoder.decode(message, this)
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
    }
    if (!this.#isOver && this.#isServed) this.#leave()
  }

  onUpdate(): void {}

  onPulse({ feed, partitions = [] }: PulseFrame): void {
    this.#hasPulse = true
    if (feed !== undefined && partitions.length > 0) this.#brought.add(feed)
  }

  onControl(frame: ControlFrame): void {
    if (frame.t === 'welcome') this.#welcomed(frame)
    else if (frame.t === 'subscribed' && frame.done === true && this.#unanswered !== null) this.#unanswered--
    else if (frame.t === 'error') this.#fail(`${frame.code}: ${frame.message}`)
  }

  #welcomed(frame: WelcomeFrame): void {
    const objection = this.#options.objection(frame)
    if (objection !== null) return this.#fail(objection)
    this.#unanswered = frame.feeds.length
    frame.feeds.forEach(({ feed }, index) => {
      this.#send({ t: 'subscribe', id: index + 1, feed, patterns: [PROBE_PATTERN], image: false })
    })
  }

  /** Answered, and given a pulse, that of each feed which others get pulses of: those come at once, however old. */
  get #isServed(): boolean {
    return this.#unanswered === 0 && this.#hasPulse && this.#owed.length === 0
  }

  get #owed(): readonly string[] {
    return this.#options.owed().filter((feed) => !this.#brought.has(feed))
  }

  #missing(): string {
    if (this.#unanswered === null) return 'no welcome came'
    if (this.#unanswered > 0) return 'its subscriptions were not answered'
    return this.#hasPulse ? `no pulse of ${this.#owed.join(', ')} came` : 'no pulse came'
  }

  /** In good order, so that the gateway counts nobody as lost. */
  #leave(): void {
    this.#send({ t: 'bye' })
    const connection = this.#connection
    this.#end(null)
    this.#connection = connection
    this.#timer = this.#options.clock.after(LEAVE_MS, () => this.close())
  }

  #closed(reason: string): void {
    this.#timer?.cancel()
    this.#connection = null
    if (this.#isOver) return
    if (ADDRESS_LIMITED.test(reason)) this.#end(null, 'it takes no more connections of the address of this balancer: gateway.addressLimits')
    else this.#end(reason)
  }

  #fail(why: string): void {
    if (this.#isOver) return
    this.#connection?.drop()
    this.#end(why)
  }

  #end(failure: string | null, note?: string): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#connection = null
    this.#options.ended(failure, note)
  }
}
