import type { GoodbyeFrame } from '@pulsewire/protocol'
import type { Timer } from '../clock.ts'
import { PulsewireError, toPulsewireError } from '../errors.ts'
import type { Settings } from '../options.ts'
import { AddressBook, toAddresses } from './addresses.ts'
import { backoffMs } from './backoff.ts'
import { bounded } from './bounded.ts'
import { Credentials } from './credentials.ts'
import type { NextStep, Session } from './session.ts'

/**
 * - `connecting`: a connection is being made, and there is none.
 * - `open`: a session serves.
 * - `waiting`: for the next attempt.
 * - `failed`: the server said not to come back; `connect()` tries again all the same.
 * - `closed`: by the application.
 */
export type ClientState = 'connecting' | 'open' | 'waiting' | 'failed' | 'closed'

export interface ConnectorHost {
  open(url: string, token: string | undefined): Session
  /** It is welcomed: tell it what is subscribed. */
  attach(session: Session): void
  /** It serves from now on. */
  promote(session: Session): void
  detach(session: Session): void
  /** Nobody serves. */
  disconnected(hop: string, error: PulsewireError): void
  /** Nobody will, by itself. */
  gaveUp(hop: string, error: PulsewireError): void
  compare(candidate: Session): 'unsettled' | 'worse' | 'same' | 'better'
  onState(state: ClientState, detail: { url?: string; retryInMs?: number; error?: PulsewireError }): void
  onError(error: PulsewireError): void
}

/** Why a new session is wanted although one serves. */
type MoveReason = 'goodbye' | 'silent' | 'stale'

/** A connection that lasted this long was a good one: the next backoff starts anew. */
const HEALTHY_MS = 5_000
/** How long a session that is to take over may take to become live. */
const MOVE_TIMEOUT_MS = 10_000
/** A silent session is kept beside the attempts to replace it for this many times `staleAfterMs`; it may come back. */
const SILENT_FACTOR = 4

/**
 * Keeps one session serving. A second one, the candidate, is opened when there is none, or when the first is leaving,
 * silent or stale, and takes over as soon as nothing is lost by it.
 */
export class Connector {
  readonly #settings: Settings
  readonly #host: ConnectorHost
  readonly #addresses = new AddressBook()
  readonly #credentials: Credentials
  #serving: Session | null = null
  #candidate: Session | null = null
  #move: MoveReason | null = null
  #state: ClientState = 'closed'
  #timer: Timer | undefined
  /** Counts attempts, so that one that was overtaken while it waited for a token knows it. */
  #attempt = 0
  #attempting = false
  /** Failed or short-lived connections in a row. */
  #failures = 0
  #lastError: PulsewireError | undefined

  constructor(settings: Settings, host: ConnectorHost) {
    this.#settings = settings
    this.#host = host
    this.#credentials = new Credentials(settings.token, settings.connectTimeoutMs, settings.environment.clock)
  }

  get state(): ClientState {
    return this.#state
  }

  get serving(): Session | null {
    return this.#serving
  }

  get candidate(): Session | null {
    return this.#candidate
  }

  /** Connects, or tries at once instead of waiting. */
  connect(): void {
    if (this.#state === 'failed' || this.#state === 'closed') this.#failures = 0
    if (this.#serving !== null || this.#attempting || this.#candidate !== null) return
    this.#timer?.cancel()
    void this.#try()
  }

  close(): void {
    this.#stop()
    const sessions = [this.#serving, this.#candidate]
    this.#serving = null
    this.#candidate = null
    for (const session of sessions) session?.leave()
    this.#setState('closed', {})
  }

  onWelcome(session: Session): void {
    if (session !== this.#candidate) return
    this.#credentials.accepted()
    // A silent session has nothing that could be lost.
    if (this.#serving === null || this.#move === 'silent') this.#promote(session)
    this.#host.attach(session)
    this.check()
  }

  onClosed(session: Session, error: PulsewireError, next: NextStep): void {
    this.#host.detach(session)
    const wasServing = session === this.#serving
    if (!wasServing && session !== this.#candidate) return
    this.#lastError = error
    if (wasServing) {
      this.#serving = null
      this.#move = null
      this.#countFailure(session)
      this.#host.disconnected(session.node, error)
    } else {
      this.#candidate = null
      this.#failures++
    }
    this.#host.onError(error)
    if (next === 'never' && this.#serving === null && this.#candidate === null) this.#refused(session, error)
    else {
      this.#addresses.failed(session.url)
      this.#afterLoss()
    }
  }

  /** The server is going away: connect elsewhere, and leave it when live there. */
  onGoodbye(session: Session, frame: GoodbyeFrame): void {
    if (session === this.#candidate) this.#dropCandidate(true)
    else if (session === this.#serving) {
      this.#addresses.suggest(frame.addresses ?? [], session.url)
      const withinMs = Math.min(frame.reconnectAfterMs ?? 0, this.#settings.backoff.maxMs)
      this.#startMove('goodbye', this.#settings.environment.random() * withinMs)
    }
  }

  /** Sends a fresh token over the session in progress. */
  async refreshToken(session: Session): Promise<void> {
    if (!this.#credentials.canRefresh) return
    try {
      const token = await this.#credentials.token()
      if (token !== undefined) session.send({ t: 'token', token })
    } catch (error) {
      this.#host.onError(toPulsewireError(error, 'token_failed', true))
    }
  }

  /** Looks whether something is to be done by now: after each message, and when `nextCheckMs` says so. */
  check(): void {
    const nowMs = this.#settings.environment.clock.nowMs()
    this.#checkServing(nowMs)
    this.#checkCandidate(nowMs)
  }

  /** When `check` has something to do at the latest, by time alone. */
  nextCheckMs(): number {
    const serving = this.#serving
    if (serving === null) return Infinity
    const { freshness } = serving
    let nextMs = Infinity
    if (this.#move === null) {
      nextMs = freshness.silentAtMs
      const faultSinceMs = freshness.faultSinceMs
      if (faultSinceMs !== undefined && this.#addresses.hasOther(serving.url)) {
        nextMs = Math.min(nextMs, faultSinceMs + this.#settings.failoverAfterMs)
      }
    } else if (this.#move === 'silent') nextMs = this.#silentEndMs(serving)
    const candidate = this.#candidate
    return candidate?.welcome === undefined ? nextMs : Math.min(nextMs, candidate.welcomedAtMs + MOVE_TIMEOUT_MS)
  }

  #checkServing(nowMs: number): void {
    const serving = this.#serving
    if (serving === null) return
    const { freshness } = serving
    if (nowMs > freshness.silentAtMs) {
      this.#startMove('silent', 0)
      if (nowMs > this.#silentEndMs(serving)) {
        const message = `no pulse from ${serving.node} for ${Math.round(nowMs - freshness.lastPulseAtMs)} ms`
        serving.abandon(new PulsewireError('connection_silent', message, { retryable: true }))
      }
      return
    }
    if (this.#move === 'silent') this.#cancelMove()
    const faultSinceMs = freshness.faultSinceMs
    if (faultSinceMs === undefined) {
      if (this.#move === 'stale') this.#cancelMove()
    } else if (nowMs - faultSinceMs > this.#settings.failoverAfterMs && this.#addresses.hasOther(serving.url)) {
      this.#startMove('stale', 0)
    }
  }

  #checkCandidate(nowMs: number): void {
    const candidate = this.#candidate
    if (candidate?.welcome === undefined || this.#serving === null || this.#move === null) return
    candidate.freshness.review(nowMs)
    const comparison = this.#host.compare(candidate)
    const late = nowMs - candidate.welcomedAtMs > MOVE_TIMEOUT_MS
    if (this.#move === 'silent') this.#promote(candidate)
    else if (this.#move === 'goodbye') {
      // The old one will close anyway.
      if (comparison === 'same' || comparison === 'better' || late) this.#promote(candidate)
    } else if (comparison === 'better') this.#promote(candidate)
    else if (late) this.#dropCandidate(true)
  }

  #silentEndMs(serving: Session): number {
    return serving.freshness.lastPulseAtMs + SILENT_FACTOR * serving.freshness.staleAfterMs
  }

  #startMove(reason: MoveReason, delayMs: number): void {
    const before = this.#move
    if (before === reason || before === 'goodbye') return
    this.#move = reason
    // An attempt is under way already.
    if (before !== null || this.#serving === null) return
    this.#countFailure(this.#serving)
    this.#schedule(Math.max(delayMs, this.#delayMs()))
  }

  /** The serving session is well again. */
  #cancelMove(): void {
    this.#move = null
    this.#attempt++
    this.#attempting = false
    this.#timer?.cancel()
    this.#dropCandidate(false)
  }

  #dropCandidate(again: boolean): void {
    const candidate = this.#candidate
    if (candidate === null) return
    this.#candidate = null
    candidate.leave()
    this.#host.detach(candidate)
    if (!again) return
    this.#addresses.failed(candidate.url)
    this.#failures++
    this.#afterLoss()
  }

  #promote(session: Session): void {
    const before = this.#serving
    this.#serving = session
    this.#candidate = null
    this.#move = null
    this.#lastError = undefined
    this.#addresses.succeeded(session.url)
    this.#host.promote(session)
    if (before !== null) {
      before.leave()
      this.#host.detach(before)
    }
    this.#setState('open', { url: session.url })
  }

  /** A session is gone: who serves now, and who is to come? */
  #afterLoss(): void {
    const candidate = this.#candidate
    if (this.#serving === null && candidate?.welcome !== undefined) this.#promote(candidate)
    if (this.#serving !== null && this.#move === null) return
    if (this.#candidate !== null || this.#attempting) {
      if (this.#serving === null) this.#setState('connecting', {})
      return
    }
    this.#schedule(this.#delayMs())
  }

  /** The server does not want to see us again as we are. */
  #refused(session: Session, error: PulsewireError): void {
    if (error.closeCode === 4001 && this.#credentials.mayRenew()) {
      this.#schedule(this.#delayMs())
      return
    }
    this.#stop()
    this.#host.gaveUp(session.node, error)
    this.#setState('failed', { error })
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#settings.environment.clock.after(delayMs, () => void this.#try())
    if (this.#serving === null) {
      const error = this.#lastError
      this.#setState('waiting', { retryInMs: delayMs, ...(error === undefined ? {} : { error }) })
    }
  }

  async #try(): Promise<void> {
    const attempt = ++this.#attempt
    this.#attempting = true
    if (this.#serving === null) this.#setState('connecting', {})
    try {
      await this.#updateAddresses()
      const token = await this.#credentials.token()
      if (attempt !== this.#attempt) return
      const url = this.#addresses.next(this.#serving?.url)
      if (url === undefined) throw new PulsewireError('addresses_unavailable', 'no address is known', { retryable: true })
      this.#attempting = false
      this.#candidate = this.#host.open(url, token)
    } catch (error) {
      if (attempt !== this.#attempt) return
      this.#attempting = false
      this.#failures++
      this.#lastError = toPulsewireError(error, 'addresses_unavailable', true)
      this.#host.onError(this.#lastError)
      this.#afterLoss()
    }
  }

  async #updateAddresses(): Promise<void> {
    const { url, connectTimeoutMs, environment } = this.#settings
    if (typeof url !== 'function') {
      this.#addresses.setList(toAddresses(url))
      return
    }
    const late = () =>
      new PulsewireError('addresses_unavailable', `the url function took longer than ${connectTimeoutMs} ms`, { retryable: true })
    try {
      this.#addresses.setList(toAddresses(await bounded(Promise.resolve().then(url), connectTimeoutMs, environment.clock, late)))
    } catch (error) {
      const failure = toPulsewireError(error, 'addresses_unavailable', true)
      // The balancer may be down; the gateways it named last need not be.
      if (this.#addresses.size === 0) throw failure
      this.#host.onError(failure)
    }
  }

  #countFailure(session: Session): void {
    const livedMs = this.#settings.environment.clock.nowMs() - session.welcomedAtMs
    this.#failures = livedMs >= HEALTHY_MS ? 0 : this.#failures + 1
  }

  /** Each address gets its turn before the delay grows. */
  #delayMs(): number {
    const round = Math.floor(this.#failures / Math.max(1, this.#addresses.size))
    return backoffMs(round, this.#settings.backoff, this.#settings.environment.random)
  }

  #stop(): void {
    this.#attempt++
    this.#attempting = false
    this.#move = null
    this.#timer?.cancel()
  }

  #setState(state: ClientState, detail: { url?: string; retryInMs?: number; error?: PulsewireError }): void {
    if (state === this.#state && state !== 'waiting' && state !== 'open') return
    this.#state = state
    this.#host.onState(state, detail)
  }
}
