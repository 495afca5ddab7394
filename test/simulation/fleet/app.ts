import { PulsewireClient, type SubscribeOptions, type SymbolState } from '@pulsewire/client'
import { SubscriptionChecker } from '../../support/checker/subscription-checker.ts'
import type { HopMonitor } from '../../support/checker/hop-monitor.ts'
import { openSockets } from '../world/adapters.ts'
import { hostOf } from '../world/network.ts'
import { SimProcess } from '../world/process.ts'
import type { Random } from '../world/random.ts'
import type { SimBalancer } from './balancers.ts'
import { carriesBursts } from './demand.ts'
import type { SimFeed } from './feeds.ts'
import type { SimGateway } from './nodes.ts'
import type { Taps } from './taps.ts'
import type { World } from './world.ts'

/** So that clients of a zone that is back come home while the story lasts. */
const RENEW_MS = 5_000
/** An application asks for no more while so much of its line is taken: several of a symbol whose every record counts fill one that is thin enough. */
const LINE_SHARE_MAX = 0.7

/** Tells what a client was told of a symbol. */
export type OnStale = (app: SimApp, checker: SubscriptionChecker, symbol: string, state: SymbolState) => void

/** Where clients come in. */
export interface Doors {
  readonly gateways: readonly SimGateway[]
  /** None: clients have the list of gateways. */
  readonly balancers: readonly SimBalancer[]
}

/** An application with a real client: subscribes, changes its mind, and watches what it is shown. */
export class SimApp {
  readonly id: string
  readonly process: SimProcess
  readonly client: PulsewireClient
  readonly checkers = new Set<SubscriptionChecker>()
  thawedAtMs = -Infinity
  readonly #world: World
  readonly #taps: Taps
  readonly #random: Random
  readonly #onStale: OnStale
  readonly #groups: readonly string[]
  #subscribed = 0
  #came: { readonly monitor: HopMonitor | undefined; readonly bytes: number; readonly atMs: number } = {
    monitor: undefined,
    bytes: 0,
    atMs: 0,
  }
  /** The session that the client said last that it is served by. */
  #serving: { readonly session: string; readonly sinceMs: number } | null = null

  constructor(world: World, taps: Taps, id: string, { gateways, balancers }: Doors, groups: readonly string[], onStale: OnStale) {
    this.#world = world
    this.#taps = taps
    this.#onStale = onStale
    this.#groups = groups
    const random = (this.#random = world.random.fork())
    this.id = id
    const offsetMs = random.between(-1, 1) * random.logBetween(10, 6 * 3_600_000)
    this.process = new SimProcess(world.kernel, id, id, { offsetMs, drift: random.between(-1, 1) * 2e-4 })
    const sockets = openSockets(world.network, this.process, (process, address) => {
      const gateway = gateways.find((node) => node.address === address)!
      return taps.make({
        receiver: id,
        process,
        sender: hostOf(address),
        countsExactSinceMs: (feed, symbol) =>
          Math.max(gateway.exactSinceMs, world.undisturbedSinceMs, taps.answeredAtMs(gateway.id, feed, symbol)),
        mayNotKnow: () => world.nowMs - gateway.timedOutAtMs < 5_000,
      })
    })
    const zone = world.zoneOf(id)
    this.client = new PulsewireClient({
      ...(balancers.length === 0
        ? { url: random.sample(gateways, gateways.length).map(({ address }) => address) }
        : { balancer: balancers.map(({ origin }) => origin) }),
      ...(zone === undefined ? {} : { zone, gatewaysRenewMs: RENEW_MS }),
      encoding: random.chance(0.7) ? 'bin' : 'json',
      ...(random.chance(0.2) ? { pulseIntervalMs: random.int(100, 4000) } : {}),
      environment: {
        clock: this.process.clock,
        random: random.fork().next,
        openSocket: sockets,
        fetchText: world.http.fetchFrom(this.process),
        onWake: () => () => {},
      },
    })
    this.client.on('session', ({ node, session }) => {
      this.#serving = { session, sinceMs: world.nowMs }
      world.trace.say(id, () => `${node} serves`)
    })
    this.client.on('error', (error) => {
      world.trace.say(id, () => `error ${error.code}: ${error.message}`)
      // What a callback of ours threw is a fault of the harness.
      if (error.code === 'callback_failed') throw error
    })
    for (let i = random.int(1, 3); i > 0; i--) this.#subscribe()
    this.#live()
  }

  /** Where the client is connected, as the wire shows it. */
  get monitor(): HopMonitor | undefined {
    const session = this.client.session
    return session === undefined ? undefined : this.#taps.bySession(session.session)
  }

  /** World time at which the serving session began to serve. It does so before the client says so: states that change by it come first. */
  get servingSinceMs(): number {
    const session = this.client.session?.session
    if (session !== undefined && session !== this.#serving?.session) return this.#world.nowMs
    return this.#serving?.sinceMs ?? 0
  }

  get servedBy(): string | undefined {
    return this.client.session?.node
  }

  /** Stops changing its mind. */
  settle(): void {
    this.#settled = true
  }
  #settled = false

  freeze(): void {
    this.process.freeze()
  }

  thaw(): void {
    this.thawedAtMs = this.#world.nowMs
    this.process.thaw()
  }

  #live(): void {
    const random = this.#random
    this.process.clock.after(random.exponential(3000), () => {
      if (this.#settled) return
      const isLineFull = this.#isLineFull()
      const [checker] = random.sample([...this.checkers], 1)
      if (checker === undefined || random.chance(0.25)) {
        if (checker !== undefined && (this.checkers.size >= this.#world.size.subscriptionsMax || isLineFull)) this.#close(checker)
        else this.#subscribe()
      } else if (random.chance(0.2) || isLineFull) this.#close(checker)
      else this.#change(checker)
      this.#live()
    })
  }

  /** By what came since this was asked last, or would come with a burst. */
  #isLineFull(): boolean {
    return this.#wasLineFull() || !this.#carriesEvery()
  }

  #wasLineFull(): boolean {
    const { monitor, servedBy } = this
    const before = this.#came
    this.#came = { monitor, bytes: monitor?.receivedBytes ?? 0, atMs: this.#world.nowMs }
    if (monitor === undefined || before.monitor !== monitor) return false
    const bytesPerMs = (this.#came.bytes - before.bytes) / (this.#came.atMs - before.atMs)
    return bytesPerMs > LINE_SHARE_MAX * this.#world.network.path(servedBy!, this.id).soundBytesPerMs
  }

  /** Whether the line carries every record of what is subscribed to, and of one more, when many come at once. */
  #carriesEvery(feed?: SimFeed): boolean {
    const { servedBy } = this
    if (servedBy === undefined) return true
    const names = [...this.checkers].flatMap(({ facts }) => (facts.every ? [facts.feed] : []))
    const feeds = names.map((name) => this.#world.feeds.find(({ config }) => config.name === name)!)
    const { soundBytesPerMs } = this.#world.network.path(servedBy, this.id)
    return carriesBursts(feed === undefined ? feeds : [...feeds, feed], soundBytesPerMs)
  }

  #subscribe(): void {
    const random = this.#random
    const feed = random.pick(this.#world.feeds)
    const drawn = this.#options(feed)
    const asksEvery = (drawn.delivery ?? (drawn.maxRate === undefined ? feed.config.mode : 'latest')) === 'every'
    const every = asksEvery && this.#carriesEvery(feed)
    const options: SubscribeOptions = asksEvery && !every ? { ...drawn, delivery: 'latest' } : drawn
    const name = `${this.id} subscription ${++this.#subscribed} to ${feed.config.name}`
    const facts = {
      name,
      feed: feed.config.name,
      fields: options.fields === undefined ? undefined : [...options.fields],
      every,
      periodMs: options.maxRate === undefined ? 0 : 1000 / options.maxRate,
      image: options.image ?? true,
      open: options.patterns !== undefined || options.groups !== undefined,
    }
    const checker = new SubscriptionChecker(
      facts,
      this.#world.model,
      this.#world.report,
      () => this.#world.nowMs,
      (symbol, state) => {
        this.#world.trace.say(this.id, () => `${name}: ${symbol} is stale: ${state.reason} at ${state.hop}`)
        this.#onStale(this, checker, symbol, state)
      },
    )
    this.#world.trace.say(this.id, () => `subscribes (${this.#subscribed}) ${JSON.stringify(options)}`)
    checker.subscription = this.client.subscribe(options, checker.handlers)
    checker.changedAtMs = this.#world.nowMs
    this.checkers.add(checker)
  }

  #options(feed: SimFeed): SubscribeOptions {
    const random = this.#random
    const { symbols, config } = feed
    const how = random.next()
    const latest = config.mode === 'latest' || random.chance(0.3)
    return {
      feed: config.name,
      ...(how < 0.65 ? { symbols: random.sample([...symbols, 'NOBODY.US'], random.int(1, symbols.length)) } : {}),
      ...(how >= 0.6 && how < 0.85 ? { patterns: random.sample(['*.US', '*.HK', 'S1*', 'S?.*', '*'], random.int(1, 2)) } : {}),
      ...(how >= 0.85 ? { groups: [random.pick(this.#groups)] } : {}),
      ...(config.codec === 'json' && random.chance(0.3)
        ? { fields: random.sample(['last', 'bid', 'status', 'book', 'seq', 'nowhere'], random.int(1, 3)) }
        : {}),
      ...(latest && random.chance(0.3)
        ? { maxRate: random.logBetween(0.5, 20) }
        : latest && config.mode === 'every'
          ? { delivery: 'latest' }
          : {}),
      ...(random.chance(0.1) ? { image: false } : {}),
    }
  }

  #change(checker: SubscriptionChecker): void {
    const random = this.#random
    const { subscription, facts } = checker
    const feed = this.#world.feeds.find(({ config }) => config.name === facts.feed)!
    const symbols = random.sample(feed.symbols, random.int(1, 3))
    checker.changedAtMs = this.#world.nowMs
    // What a pattern brought comes back by itself, at the latest with the next session.
    if (facts.open || random.chance(0.5)) {
      this.#world.trace.say(this.id, () => `${facts.name}: adds ${symbols}`)
      subscription!.add(symbols)
    } else {
      this.#world.trace.say(this.id, () => `${facts.name}: removes ${symbols}`)
      subscription!.remove(symbols)
      for (const symbol of symbols) checker.forget(symbol)
    }
  }

  #close(checker: SubscriptionChecker): void {
    this.#world.trace.say(this.id, () => `${checker.facts.name}: closes`)
    checker.subscription!.close()
    this.checkers.delete(checker)
  }
}
