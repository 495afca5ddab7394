import { PulsewireClient, type ResumeEvent, type StateChange, type StateEvent, type Subscription, type Update } from '@pulsewire/client'
import type { Settings } from '../settings.ts'
import { count } from '../format.ts'
import { FrameBatch } from './frame-batch.ts'
import { Journal } from './journal.ts'
import { FIELDS, Row, SAMPLES } from './row.ts'
import { Summariser, type Summary } from './summary.ts'

/** Updates per second per symbol: more than that nobody can read. */
const MAX_RATE = 4
/** Who the page is to the gateway: what a trace of its own session names. */
export const CONSOLE_USER = 'console'
const TICK_MS = 500
const SAMPLE_MS = 1_000

/**
 * What the page shows, apart from how: it holds the client and one row per symbol, and tells listeners what changed:
 * single rows once per drawn frame, the list of rows when one is new, the summary twice a second and at every turn.
 */
export class Board {
  readonly rows = new Map<string, Row>()
  readonly journal = new Journal()
  /** Unix ms of each sample, by sample number modulo `SAMPLES`. */
  readonly sampleTimes = new Float64Array(SAMPLES)
  /** Samples taken so far. */
  sampleCount = 0
  /** Counts changes of the list of rows. */
  listVersion = 0
  readonly feed: string
  readonly #client: PulsewireClient
  readonly #subscription: Subscription
  readonly #summariser: Summariser
  readonly #batch = new FrameBatch<Row>((row) => row.tellChanged(nowMs()))
  readonly #listeners = new Set<() => void>()
  readonly #timers: number[]
  #summary: Summary
  #tickQueued = false
  #refusal: string | null = null

  /** @param token shown to gateways that demand one. */
  constructor(settings: Settings, token?: string) {
    const { gateways, encoding, feed } = settings
    this.feed = feed
    const to = gateways.length > 0 ? { url: gateways } : { balancer: location.origin }
    this.#client = new PulsewireClient({
      ...to,
      encoding,
      name: 'pulsewire-console/0.1.0',
      user: CONSOLE_USER,
      ...(token === undefined ? {} : { token }),
    })
    this.#summariser = new Summariser(this.#client, feed)
    this.#subscription = this.#client.subscribe(
      { feed, patterns: ['*'], fields: FIELDS, maxRate: MAX_RATE },
      {
        onUpdate: (update) => this.#onUpdate(update),
        onState: (_state, change) => this.#onState(change),
        onResume: (event) => this.#onResume(event),
        onEnded: ({ code, message }) => code === 'not_entitled' && this.#refused(message),
      },
    )
    this.#summary = this.#summariser.summarise(this.rows.values(), this.#subscription, nowMs())
    this.#client.on('state', (event) => this.#onClientState(event))
    this.#client.on('session', ({ node, url }) => {
      this.journal.add(nowMs(), `connected to ${node} at ${url}`)
      this.#summariser.onSession()
      this.#tickSoon()
    })
    this.#client.on('notice', ({ message }) => this.journal.add(nowMs(), message))
    // Each is repeated in the state that follows from it; without a listener it would count as unhandled.
    this.#client.on('error', ({ code, message }) => {
      this.journal.add(nowMs(), message)
      if (code === 'token_refused') this.#refused(message)
    })
    this.#timers = [window.setInterval(() => this.#tick(), TICK_MS), window.setInterval(() => this.#sample(), SAMPLE_MS)]
  }

  /** Why the gateway shows nothing to who has this token, or none; `null`: it does. */
  get refusal(): string | null {
    return this.#refusal
  }

  #refused(message: string): void {
    this.#refusal = message
    this.#tickSoon()
  }

  get summary(): Summary {
    return this.#summary
  }

  /** Age of the oldest proof among all partitions, in ms, at this very moment. */
  dataAgeMs(): number | undefined {
    return this.#summariser.dataAgeMs(nowMs())
  }

  /** Calls back when the summary or the list of rows changed. Returns the undo. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Tries to connect now instead of waiting. */
  retry(): void {
    this.#client.connect()
  }

  close(): void {
    for (const timer of this.#timers) window.clearInterval(timer)
    void this.#client.close()
  }

  #row(symbol: string): Row {
    let row = this.rows.get(symbol)
    if (row === undefined) {
      row = new Row(symbol)
      this.rows.set(symbol, row)
      this.listVersion++
      this.#tickSoon()
    }
    row.view ??= this.#subscription.get(symbol)
    return row
  }

  #onUpdate(update: Update): void {
    const row = this.#row(update.symbol)
    row.take(update)
    this.#summariser.count(update.n)
    this.#batch.add(row)
  }

  #onState(change: StateChange): void {
    for (const symbol of change.symbols) {
      const row = this.#row(symbol)
      row.state = row.view?.state ?? row.state
      this.#batch.add(row)
    }
    this.#tickSoon()
  }

  #onResume({ recovered, missed }: ResumeEvent): void {
    const resumed = `${count(recovered.length)} symbols resumed where they stopped`
    const lost = missed.length === 0 ? 'nothing missed' : `${count(missed.length)} may have missed updates`
    this.journal.add(nowMs(), recovered.length === 0 ? lost : `${resumed}, ${lost}`)
  }

  #onClientState({ state, error }: StateEvent): void {
    if (error !== undefined && (state === 'waiting' || state === 'failed')) this.journal.add(nowMs(), error.message)
    this.#summariser.onClientState(error)
    this.#tickSoon()
  }

  /** Many states may change in one turn; the summary is made once after it. */
  #tickSoon(): void {
    if (this.#tickQueued) return
    this.#tickQueued = true
    queueMicrotask(() => this.#tick())
  }

  #tick(): void {
    this.#tickQueued = false
    const before = this.#summary
    this.#summary = this.#summariser.summarise(this.rows.values(), this.#subscription, nowMs())
    this.#noteRecovery(before)
    for (const listener of this.#listeners) listener()
  }

  #noteRecovery(before: Summary): void {
    const { trouble } = before
    if (trouble === null || this.#summary.trouble !== null || this.#summary.counts.live === 0) return
    const seconds = Math.max(0, (nowMs() - trouble.sinceMs) / 1_000).toFixed(1)
    this.journal.add(nowMs(), `live again after ${seconds} s`)
  }

  #sample(): void {
    const slot = this.sampleCount % SAMPLES
    this.sampleTimes[slot] = nowMs()
    for (const row of this.rows.values()) {
      row.samples[slot] = row.state.state === 'live' ? (row.number('last') ?? Number.NaN) : Number.NaN
    }
    this.sampleCount++
  }
}

/** The client's steady clock follows the wall clock over a sleep of the machine, so this one compares with its times. */
export function nowMs(): number {
  return Date.now()
}
