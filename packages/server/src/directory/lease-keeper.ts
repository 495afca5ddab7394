import type { Log } from '../log/index.ts'
import { systemClock, type Clock, type Timer } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { DirectoryError } from '../runtime/errors.ts'
import { Standstill } from '../runtime/standstill.ts'
import { encodeLease, FAULT_CHARS_MAX } from './control-record.ts'
import type { ControlDirectory } from './control-directory.ts'
import type { Lease, NodeVitals, NodeWord } from './lease.ts'
import { NameClaim } from './name-claim.ts'
import { whoSaid } from './saying.ts'
import { eventLoopBusy, processVitals } from './vitals.ts'

/** A beat that is asked for before its time comes at once, and no further one sooner than this. */
const EXTRA_INTERVAL_MIN_MS = 200
/** The goodbye is worth this wait and no longer: without it the lease expires by itself. */
const GOODBYE_WAIT_MS = 1000

/** What a node says of itself in each beat. */
export type LeaseContent = Pick<Lease, 'addresses' | 'feeds' | 'ready' | 'draining' | 'links' | 'fault' | 'service'> & {
  readonly load: { readonly sessions: number; readonly sessionsMax: number }
}

/** A role, as its lease needs it. */
export interface Member {
  /** What the next beat says. */
  leaseContent(): LeaseContent
  /**
   * The process stood still for so long that others have taken its lease for expired. It must not say that it is `ready`
   * before what it holds is fresh again. Called before the next beat is composed.
   */
  lapsed(): void
  /** What an operator says of this node, once at the start unless it is `online`, then with each change. */
  told(word: NodeWord): void
  /** Keeps a function by which it asks for a beat at once, because what it says has changed. */
  beatsBy?(beatNow: () => void): void
}

export interface LeaseKeeperOptions {
  readonly directory: ControlDirectory
  readonly log: Log
  readonly member: Member
  readonly identity: Pick<Lease, 'node' | 'role' | 'zone' | 'track' | 'line' | 'version' | 'watchdog'>
  readonly beatIntervalMs: number
  readonly lifeMs: number
  readonly logger: Logger
  readonly clock?: Clock
  /** Part of the time that the event loop was busy since the last call, 0 to 1. Default: Node's own measure. */
  readonly busy?: () => number
  /** How the process fares since the last call. Default: Node's own measures. */
  readonly vitals?: () => NodeVitals
}

/** Beats one node's lease for as long as it lives, and says goodbye at its end. */
export class LeaseKeeper implements Service {
  readonly #options: LeaseKeeperOptions
  readonly #clock: Clock
  readonly #busy: () => number
  readonly #vitals: () => NodeVitals
  readonly #closed = Promise.withResolvers<void>()
  #timer: Timer | null = null
  #extra: Timer | null = null
  #stopListening: () => void = () => {}
  #incarnation: number | null = null
  #beat = 0
  /** What was said last. */
  #lease: Lease | null = null
  #beatAtMs = -Infinity
  /** Since when the beat before has been on its way. */
  #onTheWaySinceMs: number | null = null
  #word: NodeWord = 'online'
  readonly #claim: NameClaim
  #isReadBack = false
  #isTaken = false
  #isSuperseded = false
  #failing = false
  #closing: Promise<void> | null = null

  constructor(options: LeaseKeeperOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#busy = options.busy ?? eventLoopBusy()
    this.#vitals = options.vitals ?? processVitals()
    // Who does not watch for its failure hears of it in the log output.
    this.#closed.promise.catch(() => {})
    const { directory, identity, beatIntervalMs } = options
    this.#claim = new NameClaim({
      directory,
      node: identity.node,
      beatIntervalMs,
      clock: this.#clock,
      free: () => this.#begin(),
      taken: () => this.#taken(),
      refused: () => this.#refused(),
    })
  }

  /** Rejects with a DirectoryError, `node_id_taken` or `node_superseded`, when another process has the name: this one is to end. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  async start(): Promise<void> {
    const { directory, member, beatIntervalMs, lifeMs } = this.#options
    // By then the first of the beats that were missed is past its life at those who read them.
    const standstill = new Standstill(this.#clock, lifeMs - beatIntervalMs)
    this.#timer = this.#clock.every(beatIntervalMs, () => this.#tick(standstill.tick()))
    this.#stopListening = directory.onChange(() => this.#look())
    member.beatsBy?.(() => this.#beatSoon())
    void directory.readBack.then(() => this.#claimName())
  }

  async drain(): Promise<void> {}

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#timer?.cancel()
    this.#extra?.cancel()
    this.#claim.close()
    this.#stopListening()
    if (this.#lease !== null && !this.#isSuperseded) await this.#sayGoodbye(this.#lease)
    this.#incarnation = null
    this.#closed.resolve()
  }

  /** What operators say holds at once, whether or not the name is free. */
  #claimName(): void {
    if (this.#closing !== null) return
    this.#isReadBack = true
    this.#claim.begin()
    this.#look()
  }

  /** The topic has been read to its end, and nobody else has the name: now it is known what this node was before. */
  #begin(): void {
    const { directory, identity, logger } = this.#options
    // Its own clock may have been set back since.
    this.#incarnation = Math.max(Math.floor(this.#clock.nowMs()), directory.incarnationOf(identity.node) + 1)
    if (this.#isTaken) {
      this.#isTaken = false
      logger.info('node_id_free', `the other process that called itself ${identity.node} has gone: this one begins`, {})
      this.#tell(directory.wordOf(identity.node)?.word ?? 'online')
    }
    this.#look()
    this.#beatNow()
  }

  #tick(stoodStill: boolean): void {
    if (stoodStill && this.#incarnation !== null) {
      this.#options.logger.warn('lease_lapsed', 'this process stood still: others have taken it for gone; it resyncs', {})
      this.#options.member.lapsed()
    }
    this.#beatNow()
  }

  #beatSoon(): void {
    if (this.#extra !== null) return
    const waitMs = Math.max(0, EXTRA_INTERVAL_MIN_MS - (this.#clock.nowMs() - this.#beatAtMs))
    this.#extra = this.#clock.after(waitMs, () => {
      this.#extra = null
      this.#beatNow()
    })
  }

  #beatNow(): void {
    if (this.#incarnation === null || this.#isSuperseded || this.#closing !== null) return
    const nowMs = this.#clock.nowMs()
    // A log that is away would be given them all at once when it returns.
    if (this.#onTheWaySinceMs !== null && nowMs - this.#onTheWaySinceMs < this.#options.lifeMs) return
    this.#beatAtMs = nowMs
    this.#lease = this.#compose()
    void this.#append(this.#lease, nowMs)
  }

  #compose(): Lease {
    const { identity, member, lifeMs } = this.#options
    const { load, fault, ...content } = member.leaseContent()
    return {
      ...identity,
      incarnation: this.#incarnation!,
      beat: ++this.#beat,
      lifeMs,
      ...content,
      load: { ...load, busy: Math.round(this.#busy() * 1000) / 1000 },
      ...(fault === undefined ? {} : { fault: fault.slice(0, FAULT_CHARS_MAX) }),
      vitals: this.#vitals(),
    }
  }

  async #append(lease: Lease, sinceMs: number): Promise<void> {
    const { log, directory, logger } = this.#options
    this.#onTheWaySinceMs = sinceMs
    try {
      await log.append(directory.topic, [encodeLease(lease)])
      if (this.#failing) logger.info('lease_resumed', 'the lease is written again', {})
      this.#failing = false
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (!this.#failing && this.#closing === null)
        logger.error('lease_failed', `the lease cannot be written, so others will take this node for gone: ${message}`, {})
      this.#failing = true
    } finally {
      if (this.#onTheWaySinceMs === sinceMs) this.#onTheWaySinceMs = null
    }
  }

  /** The role is closed by now, and has nothing more to say. */
  async #sayGoodbye(last: Lease): Promise<void> {
    const { log, directory } = this.#options
    const lease = { ...last, beat: ++this.#beat, ready: false, draining: true }
    const late = Promise.withResolvers<void>()
    const timer = this.#clock.after(GOODBYE_WAIT_MS, late.resolve)
    const say = async () => log.append(directory.topic, [encodeLease(lease, true)])
    await Promise.race([say().catch(() => {}), late.promise])
    timer.cancel()
  }

  /** What others, and operators, say of this node. */
  #look(): void {
    this.#claim.look()
    if (!this.#isReadBack || this.#isTaken || this.#isSuperseded) return
    const { directory, identity, logger } = this.#options
    if (this.#incarnation !== null && directory.incarnationOf(identity.node) > this.#incarnation) return this.#superseded()
    const said = directory.wordOf(identity.node)
    const word = said?.word ?? 'online'
    if (word === this.#word) return
    logger.warn('told', `${whoSaid(said)} says: ${word}`, { word, by: said?.by ?? null })
    this.#tell(word)
    this.#beatSoon()
  }

  #tell(word: NodeWord): void {
    if (word === this.#word) return
    this.#word = word
    this.#options.member.told(word)
  }

  // ---- two processes of one name

  #superseded(): void {
    this.#isSuperseded = true
    this.#tell('offline')
    this.#end('node_superseded', `another process, started later, calls itself ${this.#other()}: this one drains and ends`)
  }

  #taken(): void {
    const { logger } = this.#options
    this.#isTaken = true
    logger.error(
      'node_id_taken',
      `another process that runs calls itself ${this.#other()}: this one serves nobody, and waits for it to go`,
      {},
    )
    this.#tell('offline')
  }

  #refused(): void {
    this.#end('node_id_taken', `another process that runs calls itself ${this.#other()}, and does not go: this one ends`)
  }

  #end(code: 'node_id_taken' | 'node_superseded', message: string): void {
    const error = new DirectoryError(code, `${message}. Every node needs an id of its own (node.id)`)
    this.#options.logger.error(code, error.message, {})
    this.#closed.reject(error)
  }

  #other(): string {
    const { directory, identity } = this.#options
    const addresses = directory.nodes.get(identity.node)?.lease.addresses ?? []
    return addresses.length === 0 ? identity.node : `${identity.node} (${addresses.join(', ')})`
  }
}
