import { TOKEN_CODES, type TokenCode } from '@pulsewire/protocol'
import { WHOLE_FEED, type Feed, type FreshnessChange, type Hub, type HubListener, type StaleState } from '../hub/index.ts'
import type { Access } from '../access/index.ts'
import type { Asks } from '../diagnosis/index.ts'
import type { SessionNotes } from '../history/index.ts'
import type { Timer } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { describeStall, noStalls, type StallCounts, type StallKind } from '../runtime/stall.ts'
import { type Stages, unwatchedStages } from '../runtime/stages/index.ts'
import { type MemoryPressure, NO_PRESSURE, type ShedOrder } from '../runtime/memory/index.ts'
import { Standstill } from '../runtime/standstill.ts'
import type { TurnedAway } from './arrivals.ts'
import { BinComposer } from './composer-bin.ts'
import { JsonComposer } from './composer-json.ts'
import type { Composer } from './composer.ts'
import type { SessionContext } from './context.ts'
import { SessionCounts, type SessionEnd } from './counts.ts'
import { Moves, type Elsewhere } from './moves.ts'
import type { SessionOptions } from './options.ts'
import { EAGER_BELOW_MS, PulseWheel } from './pulse-wheel.ts'
import { FlushScheduler } from './scheduler.ts'
import { Session } from './session.ts'
import { shedding } from './shedding.ts'
import { TracingComposer } from './tracing-composer.ts'
import type { FollowedUpdates } from '../tracing/index.ts'
import type { Transport } from './transport.ts'

/** How often sessions are looked at for slowness and a missing hello. */
const CHECK_INTERVAL_MS = 500
/** Checks that come later than this are those of a process that stood still. */
const CHECK_LATE_MS = 2000

/** All sessions of a node. */
export class Sessions implements HubListener {
  /** Stalls of receivers since the start, by kind. */
  readonly stalls: StallCounts = noStalls()
  /** Receivers that were asked to name their subscriptions again, since the start. */
  repairs = 0
  /** Tokens that were not taken since the start, by what was wrong. */
  readonly denied = new Map<TokenCode, number>()
  readonly counts = new SessionCounts()
  /** Upgrades that were refused since the start, by why. */
  readonly turnedAway: Record<TurnedAway, number> = { origin: 0, address_connections: 0, address_rate: 0 }
  readonly #context: SessionContext
  readonly #sessions = new Set<Session>()
  readonly #eager = new Set<Session>()
  readonly #wheel: PulseWheel
  readonly #incarnation: string
  readonly #checkTimer: Timer
  readonly #moves: Moves
  readonly #memory: MemoryPressure
  #nextId = 1

  constructor(options: {
    readonly hub: Hub
    /** Who serves them. Default: the node that the hub is of. */
    readonly nodeId?: string
    readonly session: SessionOptions
    readonly role: 'push' | 'gateway'
    readonly version: string
    readonly groups?: ReadonlyMap<string, readonly string[]>
    readonly log: Logger
    /** Judges tokens. Default: everybody may come in and see everything. */
    readonly access?: Access
    /** Takes questions of operators. Default: nobody may ask any. */
    readonly asks?: Asks
    /** Where it is written down what happens to sessions. Default: nowhere. */
    readonly notes?: SessionNotes
    /** Follows sampled updates. Default: nobody does. */
    readonly followed?: FollowedUpdates
    readonly random?: () => number
    /** Where receivers that are to leave could go. Default: not known, and they have to find out by themselves. */
    readonly elsewhere?: Elsewhere
    readonly stages?: Stages
    /** Whether the process's memory runs short. Default: never. */
    readonly memory?: MemoryPressure
  }) {
    const { hub } = options
    this.#moves = new Moves({
      clock: hub.clock,
      log: options.log,
      sessions: this.#sessions,
      perSecond: options.session.drainPerSecond,
      elsewhere: options.elsewhere ?? (() => []),
    })
    this.#memory = options.memory ?? NO_PRESSURE
    this.#wheel = new PulseWheel(hub.clock, options.random ?? Math.random)
    this.#incarnation = hub.epoch.toString(36)
    const { followed } = options
    const nodeId = options.nodeId ?? hub.nodeId
    const traced = (composer: Composer) => (followed === undefined ? composer : new TracingComposer(composer, followed, nodeId))
    this.#context = {
      hub,
      nodeId,
      options: options.session,
      role: options.role,
      version: options.version,
      groups: options.groups ?? new Map(),
      composers: { 'pulsewire.bin.v1': traced(new BinComposer(hub.epoch)), 'pulsewire.json.v1': traced(new JsonComposer()) },
      scheduler: new FlushScheduler(hub.clock, options.session.flushIntervalMs, (options.stages ?? unwatchedStages).open('flush')),
      counts: this.counts,
      log: options.log,
      ...(options.access === undefined ? {} : { access: options.access }),
      ...(options.asks === undefined ? {} : { asks: options.asks }),
      ...(options.notes === undefined ? {} : { notes: options.notes }),
      opened: (session) => this.#opened(session),
      closed: (session, end) => this.#closed(session, end),
      denied: (session, code) => this.#denied(session, code),
      differs: (session, here, there) => this.#differs(session, here, there),
      stalled: (session, kind, silentMs) => this.#stalled(session, kind, silentMs),
    }
    const standstill = new Standstill(hub.clock, CHECK_LATE_MS)
    this.#checkTimer = hub.clock.every(CHECK_INTERVAL_MS, () => {
      if (!standstill.tick()) this.#check()
    })
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Receivers that take less than they are sent. */
  get slow(): number {
    let slow = 0
    for (const session of this.#sessions) if (session.isSlow) slow++
    return slow
  }

  /** Updates sent since the start. */
  get sentUpdates(): number {
    return Object.values(this.#context.composers).reduce((sum, { updates }) => sum + updates, 0)
  }

  /** How long updates are collected for a busy receiver now, in ms. */
  get flushIntervalMs(): number {
    return this.#context.scheduler.intervalMs
  }

  get stretch(): number {
    return this.#context.scheduler.stretch
  }

  get full(): boolean {
    return this.#sessions.size >= this.#context.options.sessionsMax || this.#memory.isShort
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#sessions.values()
  }

  /** A fault on request: every session forgets a symbol, and tells nobody. @returns how many had it. */
  lose(symbol: string): number {
    return [...this].filter((session) => session.lose(symbol)).length
  }

  /** Takes a connection; it becomes a session when it says hello. */
  accept(transport: Transport): Session {
    const session = new Session(`${this.#context.nodeId}.${this.#incarnation}.${this.#nextId++}`, transport, this.#context)
    this.#sessions.add(session)
    this.counts.opened++
    // Its upgrade was on the way when the node began to drain.
    if (this.#moves.draining) session.close('draining', 'this node is going away')
    return session
  }

  /** Tells every receiver to move, at a pace, and waits for them to leave; who has not by the deadline is cut. */
  drain(deadlineMs: number): Promise<void> {
    return this.#moves.drain(deadlineMs)
  }

  /** Takes a drain back: the node is to serve again. */
  resume(): void {
    this.#moves.resume()
  }

  /** Asks so many receivers to move, at a pace; those who cannot stay. */
  shed(count: number): void {
    this.#moves.shed(count)
  }

  /** Receivers that are still to be asked to move. */
  get shedding(): number {
    return this.#moves.pending
  }

  close(): void {
    this.#moves.close()
    for (const session of [...this.#sessions]) session.close('draining', 'this node is going away')
    this.#checkTimer.cancel()
    this.#wheel.close()
    this.#context.scheduler.close()
  }

  // ---- what the hub tells

  pulse(feed: Feed, first: boolean): void {
    // What the feed moved to is proven as soon as it can be: until then receivers have proof of before alone, which ages.
    for (const session of first ? this.#sessions : this.#eager) if (session.usesFeed(feed)) session.pulse()
  }

  freshness(feed: Feed, change: FreshnessChange): void {
    const live = change.live.filter((partition) => partition !== WHOLE_FEED)
    const groups = grouped(change)
    this.#log(feed, groups, change.live)
    for (const session of this.#sessions) {
      if (!session.hears(feed)) continue
      // It takes back what was said of single partitions as well, so it goes first.
      if (live.length < change.live.length) session.live(feed, [WHOLE_FEED])
      for (const { partitions, state } of groups) session.stale(feed, partitions, state)
      if (live.length > 0) session.live(feed, live)
    }
  }

  withdrawn(feed: Feed, partitions: readonly number[]): void {
    for (const session of this.#sessions) if (session.hears(feed)) session.withdraw(feed, partitions)
  }

  /** What receivers are told, the log output says too: once per change. */
  #log(feed: Feed, groups: ReturnType<typeof grouped>, live: readonly number[]): void {
    const { log } = this.#context
    const { notes } = this.#context
    if (live.length > 0) notes?.note(null, 'feed_live', `${feed.name} is live again (partitions ${live.join(', ')})`)
    for (const { partitions, state } of groups) {
      const { hop, reason, message } = state
      notes?.note(null, 'feed_stale', `${feed.name} is stale (partitions ${partitions.join(', ')}): ${reason} at ${hop}: ${message}`)
      log.warn('feed_stale', `${feed.name} is stale: ${message}`, { feed: feed.name, partitions, hop, reason })
    }
    if (live.length > 0) log.info('feed_live', `${feed.name} is live again`, { feed: feed.name, partitions: live })
  }

  feeds(): void {
    for (const session of this.#sessions) if (session.state === 'open') session.feedsChanged()
  }

  #opened(session: Session): void {
    if (session.pulseIntervalMs < EAGER_BELOW_MS) this.#eager.add(session)
    this.#wheel.add(session)
  }

  #closed(session: Session, end: SessionEnd): void {
    this.counts.ended[end]++
    this.#sessions.delete(session)
    this.#eager.delete(session)
    this.#wheel.remove(session)
    this.#context.asks?.lost(session)
  }

  /** A client without a good token is a client's affair; a node without the secret of this installation is not. */
  #denied({ id, client, transport }: Session, code: TokenCode): void {
    this.denied.set(code, (this.denied.get(code) ?? 0) + 1)
    const { log, role } = this.#context
    const fields = { session: id, reason: code, remote: transport.remote }
    const message = `${client} at ${transport.remote} is not let in: ${TOKEN_CODES[code]}`
    if (role === 'push') log.warn('gateway_refused', message, fields)
    else log.info('client_refused', message, fields)
  }

  #differs(session: Session, here: number, there: number): void {
    const { id } = session
    this.repairs++
    this.#context.notes?.note(session, 'repaired', `it held ${there} subscriptions where ${here} were known here; it names them again`)
    const message = 'a receiver holds another set of subscriptions; it names them again'
    this.#context.log.warn('digest_differs', message, { session: id, here, there })
  }

  /** Between nodes a stall is an alarm; among clients, whose lines come and go, it is a figure. */
  #stalled(session: Session, kind: StallKind | null, silentMs: number): void {
    const { id } = session
    const { remote, bufferedBytes } = session.transport
    const { log, role, notes } = this.#context
    if (kind === null) notes?.note(session, 'resumed', 'it takes what it is sent again')
    else notes?.note(session, 'stalled', `for ${Math.round(silentMs)} ms ${describeStall(kind, bufferedBytes)}`)
    const level = role === 'push' ? 'warn' : 'info'
    if (kind === null) return log[level]('session_resumed', `${remote} takes what it is sent again`, { session: id })
    this.stalls[kind]++
    const message = `${remote}: for ${Math.round(silentMs)} ms ${describeStall(kind, bufferedBytes)}`
    log[level]('session_stalled', message, { session: id, kind, bufferedBytes })
  }

  #shed({ why, part }: ShedOrder): void {
    const open = [...this.#sessions].filter(({ state }) => state === 'open' || state === 'greeting')
    const { cut, slow } = shedding(open, part)
    if (cut.length === 0) return
    const message = `${cut.length} of ${open.length} sessions are cut, the slowest first: ${why}`
    this.#context.log.warn('sessions_shed', message, { shed: cut.length, slow, open: open.length })
    for (const session of cut) session.shed(slow > 0 ? 'slow_consumer' : 'overloaded', why)
  }

  #check(): void {
    const nowMs = this.#context.hub.clock.nowMs()
    for (const session of this.#sessions) session.check(nowMs)
    const order = this.#memory.takeOrder()
    if (order !== null) this.#shed(order)
  }
}

/** Partitions that are stale for the same cause since the same time go into one notice. */
function grouped(change: FreshnessChange): { partitions: number[]; state: StaleState }[] {
  const groups: { partitions: number[]; state: StaleState }[] = []
  for (const { partition, state } of change.stale) {
    const same = groups.find(
      (group) => group.state.hop === state.hop && group.state.reason === state.reason && Math.abs(group.state.sinceMs - state.sinceMs) < 50,
    )
    if (same === undefined) groups.push({ partitions: [partition], state })
    else same.partitions.push(partition)
  }
  return groups
}
