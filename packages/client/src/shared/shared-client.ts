import { PulsewireClient, type ClientEvents, type QuoteClient, type SessionEvent, type StateEvent } from '../client.ts'
import { createSystemClock, type Clock, type Timer } from '../clock.ts'
import type { ClientState } from '../connection/connector-host.ts'
import { Emitter } from '../emitter.ts'
import { PulsewireError } from '../errors.ts'
import type { PartitionReport } from '../freshness/session-freshness.ts'
import { staleState, type SymbolState } from '../freshness/state.ts'
import { resolveOptions, type ClientOptions } from '../options.ts'
import type { SubscribeOptions, SubscriptionHandlers } from '../subscription/options.ts'
import type { Subscription } from '../subscription/subscription.ts'
import { Link, type WorkerLike } from './link.ts'
import { type Beat, eventOf, type HostItem } from './messages.ts'
import { type HostPort, TabHost } from './tab-host.ts'
import { TabSubscriptions } from './tab-subscriptions.ts'

export interface SharedClientOptions {
  /**
   * Opens the shared worker, whose script calls `serveTabs`:
   * `() => new SharedWorker(new URL('./quotes-worker.js', import.meta.url), { type: 'module', name: 'quotes' })`.
   */
  readonly worker: () => WorkerLike
  /** For a connection of its own, where there are no shared workers, or the worker does not work. */
  readonly own: ClientOptions
  /** For tests. */
  readonly clock?: Clock
}

const HOP = 'shared worker'
const TIMER_MIN_MS = 1

/**
 * A client whose connection is shared by all tabs of the browser. It is used like `PulsewireClient`, and judges like it
 * that what it shows is fresh: what the worker proves holds for as long as the worker says, and no longer.
 */
export class SharedClient implements QuoteClient {
  readonly #clock: Clock
  readonly #emitter: Emitter<ClientEvents>
  readonly #subscriptions: TabSubscriptions
  readonly #link: Link
  #beat: Beat | undefined
  #beatAtMs = 0
  #timer: Timer | undefined
  #timerAtMs = Infinity
  #state: ClientState = 'connecting'
  #session: string | undefined
  #doubt: SymbolState | undefined
  #closed = false

  /** Starts at once. @throws PulsewireError options_invalid, address_invalid */
  constructor({ worker, own, clock = createSystemClock() }: SharedClientOptions) {
    resolveOptions(own)
    this.#clock = clock
    this.#emitter = new Emitter<ClientEvents>((error) => throwLater(error))
    this.#subscriptions = new TabSubscriptions({
      clock,
      doubt: () => this.#judge(),
      reports: (feed) => this.freshness(feed),
      delayMs: (feed) => this.#feedOf(feed)?.[2],
      offsetMs: () => this.#beat?.offsetMs,
      send: (message) => this.#link.send(message),
      onThrown: (error) => this.#onThrown(error),
    })
    this.#link = new Link(
      { clock, openWorker: worker, openOwn: () => openOwn(own, clock) },
      { onItem: (item) => this.#take(item), onLinked: () => this.#subscriptions.resubscribe() },
    )
    this.#link.open()
  }

  /** Whether this tab has a connection of its own. */
  get isAlone(): boolean {
    return this.#link.isOwn
  }

  get state(): ClientState {
    if (this.#closed) return 'closed'
    return this.#judge() === undefined ? this.#state : 'connecting'
  }

  get session(): SessionEvent | undefined {
    return this.#closed || this.#judge() !== undefined ? undefined : this.#beat?.session
  }

  get clockOffsetMs(): number | undefined {
    return this.#beat?.offsetMs
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** @throws PulsewireError options_invalid, client_closed */
  subscribe(options: SubscribeOptions, handlers: SubscriptionHandlers = {}): Subscription {
    this.#checkOpen()
    return this.#subscriptions.subscribe(options, handlers)
  }

  freshness(feed: string): PartitionReport[] {
    const elapsedMs = this.#clock.nowMs() - this.#beatAtMs
    const reports = this.session === undefined ? [] : (this.#feedOf(feed)?.[1] ?? [])
    return reports.map((report) => (report.ageMs === undefined ? report : { ...report, ageMs: report.ageMs + elapsedMs }))
  }

  #feedOf(feed: string): Beat['feeds'][number] | undefined {
    return this.#beat?.feeds.find(([name]) => name === feed)
  }

  connect(): void {
    this.#checkOpen()
    this.#link.send({ t: 'connect' })
  }

  /** Ends the subscriptions of this tab. The connection goes on for the others. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#timer?.cancel()
      this.#subscriptions.finish()
      this.#link.close()
    }
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #take(item: HostItem): void {
    if (this.#closed) return
    if (item.t === 'beat') this.#onBeat(item)
    else if (item.t === 'event') this.#event(item.name, eventOf(item.name, item.event))
    else this.#subscriptions.take(item)
  }

  #onBeat(beat: Beat): void {
    this.#beat = beat
    this.#beatAtMs = this.#clock.nowMs()
    this.#subscriptions.settle()
    const { state, session } = beat
    if (state !== this.#state)
      this.#event('state', { state, previous: this.#state, ...(session === undefined ? {} : { url: session.url }) })
    if (session !== undefined && session.session !== this.#session) this.#event('session', session)
    this.#arm()
  }

  #event(name: keyof ClientEvents, event: unknown): void {
    if (name === 'session') this.#session = (event as SessionEvent).session
    if (name === 'state') {
      const { state, error } = event as StateEvent
      this.#state = state
      if (state === 'failed' && error !== undefined) this.#subscriptions.endQueues(error)
    }
    this.#emitter.emit(name, event as never)
  }

  /** What was told holds until then. */
  get #holdsUntilMs(): number {
    return this.#beat === undefined ? -Infinity : this.#beatAtMs + this.#beat.liveForMs
  }

  #judge(): SymbolState | undefined {
    if (this.#clock.nowMs() <= this.#holdsUntilMs) this.#doubt = undefined
    else this.#doubt ??= staleState(HOP, 'no_pulse', this.#clock.nowMs(), 'whoever has the connection of this browser says nothing')
    return this.#doubt
  }

  /** One timer, for when nothing more is heard. Beats put it off all the time, which must not cost a timer each. */
  #arm(): void {
    const atMs = this.#holdsUntilMs
    if (this.#timerAtMs <= atMs || this.#closed) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.nowMs()) + TIMER_MIN_MS, () => {
      this.#timerAtMs = Infinity
      this.#subscriptions.settle()
      if (this.#doubt === undefined) this.#arm()
    })
  }

  #checkOpen(): void {
    if (this.#closed) throw new PulsewireError('client_closed', 'the client is closed')
  }

  #onThrown(error: unknown): void {
    const failure = new PulsewireError('callback_failed', `a callback threw: ${String(error)}`, { cause: error })
    if (!this.#emitter.emit('error', failure)) throwLater(error)
  }
}

function openOwn(options: ClientOptions, clock: Clock): HostPort {
  const { port1, port2 } = new MessageChannel()
  new TabHost({ makeClient: () => new PulsewireClient(options), clock, watchLock: () => () => {} }).attach(port1 as unknown as HostPort)
  return port2 as unknown as HostPort
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
