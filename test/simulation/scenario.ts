import type { SymbolState } from '@pulsewire/client'
import type { Violation } from '../support/checker/report.ts'
import { SimApp } from './fleet/app.ts'
import type { Fleet } from './fleet/fault.ts'
import { Faults } from './fleet/faults.ts'
import { SimBalancer } from './fleet/balancers.ts'
import { askBalancers } from './fleet/crowd.ts'
import { drawFeeds } from './fleet/feeds.ts'
import { HandOutCheck } from './fleet/hand-out-check.ts'
import { SimGateway, SimPulse, SimPush } from './fleet/nodes.ts'
import { Producer } from './fleet/producer.ts'
import { differenceOf, RepairCheck } from './fleet/repair-check.ts'
import { drawSize, isLong } from './fleet/size.ts'
import { ShownCheck } from './fleet/shown-check.ts'
import { Taps } from './fleet/taps.ts'
import { missingOf } from './fleet/whole.ts'
import { World } from './fleet/world.ts'
import { Random } from './world/random.ts'

export interface ScenarioOptions {
  readonly trace?: boolean
  /** Nodes find each other by leases, clients find gateways by balancers. Default: where the seed is even. */
  readonly isLed?: boolean
  /** It stands in two data centres. Default: every second one of those that are led. */
  readonly hasZones?: boolean
  /** World time during which faults strike, in ms. Default: 4,000 to 25,000, drawn. */
  readonly faultsMs?: number
}

export interface ScenarioResult {
  readonly seed: number
  readonly failure: Violation | null
  readonly simulatedMs: number
  readonly events: number
  readonly faults: readonly string[]
  readonly counts: Readonly<Record<string, number>>
  readonly trace: readonly string[]
}

/** Rare faults are drawn from a sequence of their own, so that fleets that have none are what they were. */
const RARE_STREAM = 2
/** Everything has to be up and live within this. */
const START_MS = 10_000
/** After the last fault everything has to be live again within this. */
const RECOVERY_MS = 20_000
/** Two ends that hold different sets agree again within this. */
const REPAIRED_WITHIN_MS = 5_000
/** What nobody wants any more is let go within this. */
const LET_GO_WITHIN_MS = 20_000
/** What may wait for one receiver: the default limit, and the message that passes it. */
const BUFFERED_BYTES_MAX = 1_200_000
/** At rest, views have to be what the log says after so long. */
const REST_MS = 2_500
/** What a client asks for while nothing is wrong is live within this. */
const ANSWERED_WITHIN_MS = 3_000
/** Checks of what clients were told, per world time. */
const CHECK_EVERY_MS = 100

/** One simulation, from its seed to its end or to the first promise that is broken. */
export class Scenario {
  readonly #seed: number
  readonly #random: Random
  readonly #world: World
  readonly #fleet: Fleet
  readonly #faults: Faults
  readonly #shown: ShownCheck
  readonly #producers: Producer[]
  readonly #faultsMs: number
  /** Everything was live once. */
  #started = false

  constructor(seed: number, options: ScenarioOptions = {}) {
    this.#seed = seed
    const random = (this.#random = new Random(seed))
    const { trace = false, isLed = seed % 2 === 0, hasZones = seed % 4 === 0 } = options
    const size = drawSize(seed, options.faultsMs)
    this.#world = new World(random.fork(), drawFeeds(random, size), { trace, isLed, hasZones: isLed && hasZones, size })
    this.#fleet = this.#build()
    this.#faults = new Faults(this.#fleet, random.fork(), new Random(seed, RARE_STREAM), isLong(options.faultsMs))
    this.#shown = new ShownCheck(this.#fleet, () => this.#faults)
    this.#faultsMs = options.faultsMs ?? Math.round(random.logBetween(4_000, 25_000))
    this.#producers = this.#world.feeds.map(
      (feed) => new Producer(this.#world.kernel, this.#world.log, feed, random.fork(), this.#world.appended),
    )
  }

  run(): ScenarioResult {
    const { kernel } = this.#world
    this.#start()
    this.#waitUntilLive('after the start', START_MS)
    this.#started = true
    const endMs = kernel.nowMs + this.#faultsMs
    this.#strikeUntil(endMs)
    kernel.runUntil(endMs)
    for (const app of this.#fleet.apps) app.settle()
    // What was asked for last has to be answered, whatever is live by now.
    kernel.runUntil(kernel.nowMs + ANSWERED_WITHIN_MS)
    this.#waitUntilLive('after all faults', RECOVERY_MS)
    for (const producer of this.#producers) producer.pause()
    kernel.runUntil(kernel.nowMs + REST_MS)
    this.#checkEnd()
    return this.result()
  }

  #waitUntilLive(when: string, withinMs: number): void {
    const { kernel } = this.#world
    const untilMs = kernel.nowMs + withinMs
    for (;;) {
      kernel.runUntil(kernel.nowMs + 500)
      if (this.#world.failure !== null) return
      const missing = this.#notLive()
      if (missing === undefined) return
      if (kernel.nowMs >= untilMs) return this.#world.report('live', `${when}, not within ${withinMs} ms: ${missing}`)
    }
  }

  #build(): Fleet {
    const random = this.#random
    const world = this.#world
    const taps = new Taps(world)
    const partitionsMax = Math.max(...world.feeds.map(({ partitions }) => partitions))
    const all = Array.from({ length: partitionsMax }, (_, partition) => partition)
    const pushNodes = (['A', 'B'] as const).flatMap((line) => {
      const id = `push-${line.toLowerCase()}`
      if (partitionsMax < 2 || random.chance(world.size.wholeLines)) return [new SimPush(world, `${id}1`, line, 'all')]
      const first = all.filter((partition) => partition === 0 || (partition > 1 && random.chance(0.5)))
      const second = all.filter((partition) => !first.includes(partition))
      return [new SimPush(world, `${id}1`, line, first), new SimPush(world, `${id}2`, line, second)]
    })
    const names = world.feeds.flatMap(({ symbols }) => symbols)
    const groups = { tech: random.sample(names, 3), all: ['*'], mixed: [random.pick(names), 'S1*'] }
    const settings = { groups, flushIntervalMs: random.pick([10, 20, 50]), pulseIntervalMs: random.pick([300, 1000, 1000]) }
    const gateways = [1, 2].map((number) => new SimGateway(world, `gw-${number}`, pushNodes, settings, taps))
    const pulses = [1, 2].map((number) => new SimPulse(world, `pulse-${number}`))
    const apps: SimApp[] = []
    const balancers: SimBalancer[] = []
    const fleet = { world, taps, pulses, pushNodes, gateways, balancers, apps }
    const handOut = new HandOutCheck(fleet, () => this.#faults)
    taps.differs = new RepairCheck(fleet, () => this.#faults).watch
    if (world.isLed) for (const number of [1, 2]) balancers.push(new SimBalancer(world, `bal-${number}`, handOut.look))
    for (let i = random.int(1, world.size.appsMax); i > 0; i--)
      apps.push(
        new SimApp(world, taps, `app-${i}`, fleet, Object.keys(groups), (app, checker, symbol, state) => {
          if (this.#started) this.#shown.stale(app, checker, symbol, state)
        }),
      )
    return fleet
  }

  #start(): void {
    const { pulses, pushNodes, gateways, balancers, apps } = this.#fleet
    const { kernel } = this.#world
    for (const node of [...pulses, ...pushNodes, ...gateways, ...balancers]) kernel.after(this.#random.between(0, 300), () => node.start())
    const check = () => {
      if (this.#started) for (const app of apps) this.#shown.look(app)
      this.#checkBounds()
      kernel.after(CHECK_EVERY_MS, check)
    }
    check()
    askBalancers(this.#world, balancers, this.#random)
    for (const node of [...pulses, ...pushNodes, ...gateways, ...balancers, ...apps]) this.#hiccup(() => node.process)
  }

  /** Every process stops for a moment now and then: garbage collection, a busy machine. Nobody may mind. */
  #hiccup(process: () => { state: string; freeze(): void; thaw(): void }): void {
    const { kernel } = this.#world
    kernel.after(this.#random.exponential(4_000), () => {
      const target = process()
      if (target.state === 'running') {
        target.freeze()
        kernel.after(this.#random.logBetween(1, 200), () => target.thaw())
      }
      this.#hiccup(process)
    })
  }

  #strikeUntil(untilMs: number): void {
    const { kernel } = this.#world
    const meanMs = this.#random.logBetween(...this.#world.size.faultEveryMs)
    const next = () => {
      kernel.after(this.#random.exponential(meanMs), () => {
        if (kernel.nowMs >= untilMs) return
        this.#faults.strike(untilMs)
        next()
      })
    }
    next()
  }

  /** P7: queues and histories stay within their limits, whatever a receiver does not take. */
  #checkBounds(): void {
    for (const { id, node } of [...this.#fleet.gateways, ...this.#fleet.pushNodes]) {
      if (node === null) continue
      for (const session of node.sessions) {
        if (session.transport.bufferedBytes > BUFFERED_BYTES_MAX)
          this.#world.report('P7', `${id} has ${session.transport.bufferedBytes} bytes waiting for ${session.client}`)
      }
      for (const { name, history } of node.hub.feeds) {
        if (history !== null && history.bytes > history.bytesMax)
          this.#world.report('P7', `${id} holds ${history.bytes} bytes of history of ${name}`)
      }
    }
  }

  // ---- what is checked at rest

  /** What is not live; `undefined` when everything is. */
  #notLive(): string | undefined {
    for (const app of this.#fleet.apps) {
      for (const { subscription, facts, changedAtMs } of app.checkers) {
        const { state } = subscription!
        if (state.state === 'live') continue
        // One whose last symbol was removed has nothing that could be live.
        if (subscription!.size === 0 && !facts.open) continue
        if (this.#started && this.#world.nowMs - changedAtMs < ANSWERED_WITHIN_MS) continue
        const bad = [...subscription!.symbols].find((view) => view.state.state !== 'live')
        return `${facts.name} is ${describe(state)}${bad === undefined ? '' : ` (${bad.symbol}: ${describe(bad.state)})`}`
      }
    }
    return undefined
  }

  #checkEnd(): void {
    this.#within(RECOVERY_MS, 'P3', () => missingOf(this.#fleet))
    this.#within(REPAIRED_WITHIN_MS, 'P6', () => this.#differentSets())
    // A repair names everything again, and what is named again is shown as stale until it has come.
    if (this.#notLive() !== undefined) this.#waitUntilLive('at the end', REPAIRED_WITHIN_MS)
    if (this.#world.failure !== null) return
    for (const app of this.#fleet.apps) {
      for (const checker of app.checkers) {
        for (const { symbol } of checker.subscription!.symbols) {
          const difference = checker.difference(symbol)
          if (difference !== undefined) this.#world.report('view', `at rest ${checker.facts.name}: ${symbol} ${difference}`)
        }
      }
    }
    if (this.#world.failure === null && this.#random.chance(0.2)) this.#checkNothingLeft()
  }

  /** P7: when the last client has gone, nothing is kept for it. */
  #checkNothingLeft(): void {
    const { apps, balancers, gateways, pushNodes } = this.#fleet
    const { kernel } = this.#world
    for (const app of apps) {
      app.checkers.clear()
      void app.client.close()
    }
    // So are those who ask as clients do.
    for (const balancer of balancers) balancer.stop(0)
    kernel.runUntil(kernel.nowMs + LET_GO_WITHIN_MS)
    for (const { id, node } of gateways) {
      if (node!.sessions.size > 0) this.#world.report('P7', `${id} keeps ${node!.sessions.size} sessions of clients that have gone`)
      for (const { name, symbols, patterns } of node!.hub.feeds) {
        if (symbols.size + patterns.size > 0)
          this.#world.report('P7', `${id} keeps ${symbols.size} symbols and ${patterns.size} patterns of ${name} that nobody wants`)
      }
    }
    for (const { id, node } of pushNodes) {
      for (const session of node!.sessions)
        if (session.symbols > 0) this.#world.report('P7', `${id} keeps ${session.symbols} symbols for ${session.client}, which wants none`)
    }
  }

  /** @param wrong what is not as it has to be in time. */
  #within(ms: number, rule: string, wrong: () => string | undefined): void {
    const { kernel } = this.#world
    const untilMs = kernel.nowMs + ms
    for (;;) {
      const what = this.#world.failure === null ? wrong() : undefined
      if (what === undefined) return
      if (kernel.nowMs >= untilMs) return this.#world.report(rule, what)
      kernel.runUntil(kernel.nowMs + 500)
    }
  }

  /** P6: both ends of every session hold the same set, as soon as what is on its way has arrived. */
  #differentSets(): string | undefined {
    for (const hop of this.#fleet.taps.hops) {
      const difference = differenceOf(this.#fleet, hop)
      if (difference !== undefined) return difference
    }
    return undefined
  }

  /** What there is to say so far. */
  result(): ScenarioResult {
    const { kernel, failure, trace } = this.#world
    const { taps, apps } = this.#fleet
    const counts: Record<string, number> = { ...taps.sums }
    for (const { monitor } of taps.hops) for (const [key, value] of Object.entries(monitor.counts)) counts[key] = (counts[key] ?? 0) + value
    for (const app of apps) {
      for (const checker of app.checkers)
        for (const [key, value] of Object.entries(checker.counts)) counts[`app.${key}`] = (counts[`app.${key}`] ?? 0) + value
    }
    return {
      seed: this.#seed,
      failure,
      simulatedMs: kernel.nowMs,
      events: kernel.events,
      faults: this.#faults.faults.map(({ name }) => name),
      counts,
      trace: trace.lines,
    }
  }
}

function describe({ state, reason, hop }: SymbolState): string {
  return reason === undefined ? state : `${state} (${reason} at ${hop})`
}
