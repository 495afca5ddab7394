import { mayRenewToken, type GoodbyeFrame } from '@pulsewire/protocol'
import type { Timer } from '../clock.ts'
import { PulsewireError, toPulsewireError } from '../errors.ts'
import { given } from '../given.ts'
import type { Settings } from '../options.ts'
import { gatewaysFor } from '../parts.ts'
import type { AddressBook } from './addresses.ts'
import { backoffMs } from './backoff.ts'
import type { ClientState, ConnectorHost, StateDetail } from './connector-host.ts'
import { Credentials } from './credentials.ts'
import type { Gateways } from './gateways.ts'
import { isTrial, MOVE_TIMEOUT_MS, type MoveReason, RANK, WAY_INTERVAL_MS } from './moves.ts'
import { Race } from './race.ts'
import type { NextStep, Session } from './session.ts'
import { TrialPace } from './trial-pace.ts'

/** A connection that lasted this long was a good one: the next backoff starts anew. */
const HEALTHY_MS = 5_000
/** One that was welcomed and did not last: there is room for us, so the wait grows up to 2³ times its first bound and no further. */
const FLAP_ROUNDS_MAX = 3
/** A silent session is kept beside the attempts to replace it for this many times `staleAfterMs`; it may come back. */
const SILENT_FACTOR = 4
/** Where a crowd is let in one by one, slow answers are to be expected: who gives up and comes again only makes the row longer. */
const CROWD_FACTOR = 2

/**
 * Keeps one session serving. A second one, the candidate, is opened when there is none, or when the first is leaving,
 * silent or stale, and takes over as soon as nothing is lost by it.
 */
export class Connector {
  readonly #settings: Settings
  readonly #host: ConnectorHost
  readonly #gateways: Gateways
  readonly #addresses: AddressBook
  readonly #credentials: Credentials
  readonly #trials: TrialPace
  #serving: Session | null = null
  /** Connections that are being made. */
  #race: Race | null = null
  /** Welcomed, and not serving yet. */
  #candidate: Session | null = null
  #move: MoveReason | null = null
  #wayTriedAtMs = -Infinity
  #state: ClientState = 'closed'
  #timer: Timer | undefined
  /** Counts attempts, so that one that was overtaken while it waited for a token knows it. */
  #attempt = 0
  #attempting = false
  /**
   * Rounds of failed or short-lived connections in a row. Each counts for its part of the addresses at that time: what was
   * tried while there were many does not become many rounds when few are left.
   */
  #rounds = 0
  #lastError: PulsewireError | undefined

  constructor(settings: Settings, host: ConnectorHost) {
    this.#settings = settings
    this.#host = host
    this.#gateways = gatewaysFor(settings, host, () => this.#goHome())
    this.#addresses = this.#gateways.book
    this.#credentials = new Credentials(settings.token, settings.connectTimeoutMs, settings.environment.clock)
    this.#trials = new TrialPace(settings.failoverAfterMs, settings.environment.random)
  }

  get state(): ClientState {
    return this.#state
  }

  /** The balancer that named the gateways; none where nobody did. */
  get via(): string | undefined {
    return this.#gateways.via
  }

  get serving(): Session | null {
    return this.#serving
  }

  /** Connects, or tries at once instead of waiting. */
  connect(): void {
    if (this.#state === 'failed' || this.#state === 'closed') this.#rounds = 0
    if (this.#serving !== null || this.#isTrying) return
    this.#timer?.cancel()
    void this.#try()
  }

  close(): void {
    this.#stop()
    this.#gateways.close()
    const sessions = [this.#serving, this.#candidate]
    this.#serving = null
    this.#candidate = null
    for (const session of sessions) session?.leave()
    this.#setState('closed', {})
  }

  onWelcome(session: Session): void {
    if (this.#race?.has(session) !== true) return
    // Who was slower has its turn when the others have had theirs.
    for (const url of this.#race.won(session)) this.#addresses.failed(url)
    this.#race = null
    this.#candidate = session
    this.#credentials.accepted()
    // A silent session has nothing that could be lost.
    if (this.#serving === null || this.#move === 'silent') this.#promote(session)
    this.#host.attach(session)
    this.check()
  }

  onClosed(session: Session, error: PulsewireError, next: NextStep): void {
    this.#host.detach(session)
    const isServing = session === this.#serving
    const race = this.#race?.has(session) === true ? this.#race : null
    if (!isServing && race === null && session !== this.#candidate) return
    this.#lastError = error
    if (isServing) {
      this.#serving = null
      this.#move = null
      this.#countFailure(session)
      this.#host.disconnected(session.node, error)
    } else {
      this.#rounds += this.#part
      // A browser does not say what answered an upgrade: one that was refused looks like one that nobody answered.
      if (session.welcome === undefined) this.#gateways.refused()
    }
    if (session === this.#candidate) this.#candidate = null
    this.#host.onError(error)
    this.#addresses.failed(session.url)
    let refusal = next === 'never' ? { session, error } : undefined
    if (race !== null) {
      refusal = race.refusal ??= refusal
      if (!race.lost(session)) return
      this.#race = null
    }
    if (refusal !== undefined && this.#serving === null && !this.#isTrying) this.#refused(refusal.session, refusal.error)
    else if (!isServing && this.#isTrial) this.#cancelMove()
    else this.#afterLoss()
  }

  /** The server is going away, or has too many: connect elsewhere, and leave it when live there. */
  onGoodbye(session: Session, frame: GoodbyeFrame): void {
    if (session !== this.#serving) {
      if (session === this.#candidate) this.#dropCandidate(true)
      return
    }
    const reason = frame.code === 'rebalance' ? 'rebalance' : 'goodbye'
    if (reason === 'goodbye') this.#addresses.failed(session.url)
    this.#gateways.suggested(frame.addresses ?? [], session.url)
    const withinMs = Math.min(frame.reconnectAfterMs ?? 0, this.#settings.backoffMaxMs)
    this.#startMove(reason, this.#settings.environment.random() * withinMs)
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
    const { silentAtMs, faultSinceMs } = serving.freshness
    const move = this.#move
    const isUrgent = move === 'silent' || move === 'goodbye'
    let nextMs = isUrgent ? this.#silentEndMs(serving) : silentAtMs
    if (move === null) nextMs = Math.min(nextMs, this.#wayAtMs(serving))
    if (move === null && faultSinceMs !== undefined && this.#addresses.hasOther(serving.url)) {
      nextMs = Math.min(nextMs, this.#trials.nextAtMs(faultSinceMs))
    }
    return this.#candidate === null || move === null ? nextMs : Math.min(nextMs, this.#candidate.welcomedAtMs + MOVE_TIMEOUT_MS[move])
  }

  #checkServing(nowMs: number): void {
    const serving = this.#serving
    if (serving === null) return
    const { freshness } = serving
    serving.followClock()
    if (nowMs > freshness.silentAtMs) {
      this.#startMove('silent', 0)
      if (nowMs > this.#silentEndMs(serving)) serving.abandonSilent()
      return
    }
    if (this.#move === 'silent') this.#cancelMove()
    const { faultSinceMs } = freshness
    if (faultSinceMs === undefined) {
      if (this.#move === 'stale') this.#cancelMove()
    } else if (this.#move === null && nowMs > this.#trials.nextAtMs(faultSinceMs) && this.#addresses.hasOther(serving.url)) {
      this.#trials.tried(nowMs)
      if (this.#host.suffers()) this.#startMove('stale', 0)
    }
    if (this.#move === null && nowMs > this.#wayAtMs(serving)) {
      this.#wayTriedAtMs = nowMs
      this.#startMove('way', 0)
    }
  }

  /** When a better way through the network is tried. */
  #wayAtMs(serving: Session): number {
    return Math.max(serving.betterAtMs, this.#wayTriedAtMs + WAY_INTERVAL_MS)
  }

  #checkCandidate(nowMs: number): void {
    const candidate = this.#candidate
    const move = this.#move
    if (candidate === null || this.#serving === null || move === null) return
    candidate.freshness.review(nowMs)
    const comparison = this.#host.compare(candidate)
    const isGood = comparison === 'better' || (comparison === 'same' && move !== 'stale')
    const isLate = nowMs - candidate.welcomedAtMs > MOVE_TIMEOUT_MS[move]
    // One that says goodbye will close anyway; of one that is silent nothing can be lost.
    if (isGood || move === 'silent' || (isLate && move === 'goodbye')) this.#promote(candidate)
    else if (isLate) this.#dropCandidate(true)
  }

  get #isTrying(): boolean {
    return this.#attempting || this.#race !== null || this.#candidate !== null
  }

  /** Whether the move is one that ends when it fails. */
  get #isTrial(): boolean {
    return this.#serving !== null && this.#move !== null && isTrial(this.#move)
  }

  #silentEndMs(serving: Session): number {
    return serving.freshness.heardAtMs + SILENT_FACTOR * serving.freshness.staleAfterMs
  }

  /** Another zone serves, and our own is handed out first again. A serving gateway may go away or silent meanwhile: that goes first. */
  #goHome(): void {
    const serving = this.#serving
    if (serving !== null && this.#move === null && this.#gateways.turnHome(serving.url)) this.#startMove('home', 0)
  }

  #startMove(reason: MoveReason, delayMs: number): void {
    const before = this.#move
    if (this.#serving === null || (before !== null && RANK[before] >= RANK[reason])) return
    this.#move = reason
    // An attempt is under way already.
    if (before !== null) return
    this.#countFailure(this.#serving)
    this.#schedule(Math.max(delayMs, this.#delayMs()))
  }

  /** The serving session is well again, or no other is better. */
  #cancelMove(): void {
    this.#stop()
    this.#dropCandidate(false)
  }

  #dropCandidate(isAgain: boolean): void {
    const candidate = this.#candidate
    if (candidate === null) return
    this.#candidate = null
    candidate.leave()
    this.#host.detach(candidate)
    if (!isAgain) return
    this.#addresses.failed(candidate.url)
    if (this.#isTrial) return this.#stop()
    this.#rounds += this.#part
    this.#afterLoss()
  }

  #promote(session: Session): void {
    const before = this.#serving
    this.#serving = session
    this.#candidate = null
    this.#move = null
    this.#lastError = undefined
    this.#addresses.succeeded(session.url)
    this.#gateways.keepFresh()
    this.#host.promote(session)
    if (before !== null) {
      before.leave()
      this.#host.detach(before)
    }
    this.#setState('open', { url: session.url })
  }

  /** A session is gone: who serves now, and who is to come? */
  #afterLoss(): void {
    if (this.#serving === null && this.#candidate !== null) this.#promote(this.#candidate)
    if (this.#serving !== null && this.#move === null) return
    if (!this.#isTrying) this.#schedule(this.#delayMs())
    else if (this.#serving === null) this.#setState('connecting', {})
  }

  /** The server does not want to see us again as we are. */
  #refused(session: Session, error: PulsewireError): void {
    if (mayRenewToken(error.closeCode ?? 0) && this.#credentials.mayRenew()) {
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
    this.#setWaiting(delayMs)
  }

  #setWaiting(delayMs: number): void {
    if (this.#serving !== null) return
    this.#setState('waiting', given<StateDetail>({ retryInMs: delayMs, error: this.#lastError }))
  }

  async #try(): Promise<void> {
    const attempt = ++this.#attempt
    this.#attempting = true
    if (this.#serving === null) this.#setState('connecting', {})
    try {
      const turnInMs = await this.#gateways.update()
      if (turnInMs > 0 && attempt === this.#attempt) await this.#turn(turnInMs)
      const token = await this.#credentials.token()
      if (attempt !== this.#attempt) return
      this.#attempting = false
      this.#open(token, turnInMs > 0)
    } catch (error) {
      if (attempt !== this.#attempt) return
      this.#attempting = false
      this.#rounds += this.#part
      this.#lastError = toPulsewireError(error, 'addresses_unavailable', true)
      this.#host.onError(this.#lastError)
      if (this.#isTrial) this.#stop()
      else this.#afterLoss()
    }
  }

  /** Waits for our turn among many. */
  async #turn(inMs: number): Promise<void> {
    this.#setWaiting(inMs)
    await new Promise<void>((resolve) => (this.#timer = this.#settings.environment.clock.after(inMs, resolve)))
    if (this.#serving === null) this.#setState('connecting', {})
  }

  #open(token: string | undefined, isCrowd: boolean): void {
    const { environment, hedgeAfterMs, connectTimeoutMs } = this.#settings
    const patience = isCrowd ? CROWD_FACTOR : 1
    const open = (url: string): Session => this.#host.open(url, token, connectTimeoutMs * patience)
    const url = this.#addresses.next(this.#serving?.url)
    if (url === undefined) throw new PulsewireError('addresses_unavailable', 'no address is known', { retryable: true })
    const second = (taken: string): Session | undefined => {
      // A trial is in no hurry.
      const other = this.#isTrial ? undefined : this.#addresses.next(this.#serving?.url, taken)
      return other === undefined || other === taken || other === this.#serving?.url ? undefined : open(other)
    }
    this.#race = new Race(open(url), second, hedgeAfterMs * patience, environment.clock)
  }

  #countFailure(session: Session): void {
    const livedMs = this.#settings.environment.clock.nowMs() - session.welcomedAtMs
    this.#rounds = livedMs >= HEALTHY_MS ? 0 : Math.min(this.#rounds + this.#part, FLAP_ROUNDS_MAX)
  }

  /** Each address gets its turn before the delay grows. */
  #delayMs(): number {
    // Seven sevenths are a hair less than one.
    const round = Math.floor(this.#rounds + 1e-9)
    return backoffMs(round, this.#settings, this.#settings.environment.random)
  }

  get #part(): number {
    return 1 / Math.max(1, this.#addresses.size)
  }

  /** Ends what is under way; a session that serves stays. */
  #stop(): void {
    this.#attempt++
    this.#attempting = false
    this.#move = null
    this.#race?.cancel()
    this.#race = null
    this.#timer?.cancel()
  }

  #setState(state: ClientState, detail: StateDetail): void {
    if (state === this.#state && state !== 'waiting' && state !== 'open') return
    this.#state = state
    this.#host.onState(state, detail)
  }
}
