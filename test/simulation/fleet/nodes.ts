import {
  createGateway,
  createPulseWriter,
  createPushNode,
  type Directory,
  type Gateway,
  type GatewayConfig,
  type Logger,
  type Member,
  type NodeRole,
  type PulseConfig,
  type PulseWriter,
  type PushConfig,
  type PushNode,
} from '@pulsewire/server'
import { loadConfig } from '../../../packages/server/src/runtime/config/index.ts'
import { connectLinks, listenOn, type HopTap, type MakeTap } from '../world/adapters.ts'
import { hostOf } from '../world/network.ts'
import { NodeLog } from '../world/node-log.ts'
import { SimProcess } from '../world/process.ts'
import type { Random } from '../world/random.ts'
import { Membership } from './membership.ts'
import type { Taps } from './taps.ts'
import type { World } from './world.ts'

export type NodeState = 'up' | 'frozen' | 'down'

/** One node over all its lives: what it is configured as, and the process that is it now. */
export abstract class SimNode {
  readonly id: string
  readonly address: string
  protected readonly world: World
  protected readonly random: Random
  process: SimProcess
  state: NodeState = 'down'
  log: NodeLog | null = null
  /** World time since which it has not been up; `Infinity` while it is. */
  downSinceMs = 0
  /** World time since which it has been up; `Infinity` while it is not. */
  upSinceMs = Infinity
  /** How long it was frozen when it last went on; 0: it was started anew since, or never frozen. */
  frozenForMs = 0
  #membership: Membership | null = null
  #lives = 0

  constructor(world: World, id: string) {
    this.world = world
    this.id = id
    this.address = `ws://${id}:8080`
    this.random = world.random.fork()
    this.process = this.#newProcess()
  }

  start(): void {
    this.process = this.#newProcess()
    this.frozenForMs = 0
    this.#up()
    this.world.network.returned(this.id)
    this.world.trace.say(this.id, () => `starts (life ${this.#lives})`)
    this.run()
  }

  freeze(): void {
    if (this.state !== 'up') return
    this.#down('frozen')
    this.process.freeze()
  }

  thaw(): void {
    if (this.state !== 'frozen') return
    this.frozenForMs = this.world.nowMs - this.downSinceMs
    this.#up()
    this.process.thaw()
  }

  /** SIGKILL: its kernel tells everybody. */
  kill(): void {
    this.world.network.killed(this.process)
    this.#end()
  }

  restart(): void {
    this.kill()
    this.start()
  }

  /** The host is gone: nobody is told. */
  vanish(): void {
    this.world.network.vanished(this.process)
    this.#end()
  }

  /** SIGTERM. */
  stop(deadlineMs: number): void {
    const { process } = this
    void this.#leave(deadlineMs).then(() => {
      if (process === this.process) this.kill()
    })
  }

  get zone(): string {
    return this.world.zoneOf(this.id) ?? 'default'
  }

  protected abstract run(): void
  /** SIGTERM: drains and closes the role. */
  protected abstract end(deadlineMs: number): Promise<void>

  /** A line with this code was logged. */
  protected logged(_code: string): void {}

  protected openLog(): NodeLog {
    const travel = { latencyMs: this.random.logBetween(0.3, 20), jitterMs: this.random.logBetween(0.1, 20) }
    this.log = new NodeLog(this.world.log, this.process, this.random.fork(), travel, this.world.appended)
    return this.log
  }

  protected logger(): Logger {
    const { trace } = this.world
    const say = (code: string, message: string) => {
      trace.say(this.id, () => `${code}: ${message}`)
      this.logged(code)
    }
    const logger: Logger = { debug: say, info: say, warn: say, error: say, child: () => logger }
    return logger
  }

  /** Opens the directory of this life, where there is one. */
  protected lookAround(log: NodeLog): { readonly directory?: Directory } {
    if (!this.world.isLed) return {}
    this.#membership = new Membership({ config: PUSH_BASE.directory, log, process: this.process, logger: this.logger() })
    return { directory: this.#membership.directory }
  }

  protected join(role: NodeRole, member: Member, line?: 'A' | 'B'): void {
    this.#membership?.join({ role, id: this.id, zone: this.zone, ...(line === undefined ? {} : { line }) }, member)
  }

  async #leave(deadlineMs: number): Promise<void> {
    await this.end(deadlineMs)
    await this.#membership?.leave()
  }

  #up(): void {
    this.state = 'up'
    this.upSinceMs = this.world.nowMs
    this.downSinceMs = Infinity
  }

  #down(state: 'frozen' | 'down'): void {
    if (this.state === 'up') this.downSinceMs = this.world.nowMs
    this.state = state
    this.upSinceMs = Infinity
  }

  #end(): void {
    this.#down('down')
    this.#membership = null
    this.process.kill()
    void this.log?.close()
    this.log = null
  }

  /** Each life has a clock of its own, as a machine that was set up anew. */
  #newProcess(): SimProcess {
    const { random } = this
    const offsetMs = random.chance(0.3) ? random.between(-20, 20) : random.between(-1, 1) * random.logBetween(10, 3 * 3_600_000)
    return new SimProcess(this.world.kernel, `${this.id}#${++this.#lives}`, this.id, { offsetMs, drift: random.between(-1, 1) * 1e-4 })
  }
}

export class SimPulse extends SimNode {
  writer: PulseWriter | null = null

  protected run(): void {
    const feeds = this.world.feeds.map(({ config }) => config)
    const config = {
      ...PULSE_BASE,
      node: { ...PULSE_BASE.node, id: this.id, zone: this.zone },
      feeds,
      pulse: { writerId: this.id },
    } as unknown as PulseConfig
    const log = this.openLog()
    const deps = { log, logger: this.logger(), clock: this.process.clock, ...this.lookAround(log) }
    this.writer = createPulseWriter(config, deps)
    this.join('pulse', this.writer)
    void this.writer.start()
  }

  protected async end(): Promise<void> {
    await this.writer!.close()
  }
}

export class SimPush extends SimNode {
  readonly line: 'A' | 'B'
  readonly partitions: 'all' | readonly number[]
  node: PushNode | null = null
  /** Of every feed, as it is configured when it starts; `null`: that of the feed. */
  generation: number | null = null

  constructor(world: World, id: string, line: 'A' | 'B', partitions: 'all' | readonly number[]) {
    super(world, id)
    this.line = line
    this.partitions = partitions
  }

  protected run(): void {
    const feeds = this.world.feeds.map(({ config }) => ({ ...config, generation: this.generation ?? config.generation }))
    const config = {
      ...PUSH_BASE,
      node: { ...PUSH_BASE.node, id: this.id, zone: this.zone, line: this.line, advertise: [this.address] },
      feeds,
      push: { ...PUSH_BASE.push, partitions: this.partitions },
    } as unknown as PushConfig
    const log = this.openLog()
    this.node = createPushNode(config, {
      log,
      ...this.lookAround(log),
      logger: this.logger(),
      clock: this.process.clock,
      random: this.random.fork().next,
      listen: listenOn(this.world.network, this.process, this.address),
    })
    this.join('push', this.node, this.line)
    void this.node.start()
  }

  protected async end(deadlineMs: number): Promise<void> {
    await this.node!.drain(deadlineMs)
    await this.node!.close()
  }
}

export interface GatewaySettings {
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly flushIntervalMs: number
  readonly pulseIntervalMs: number
}

export class SimGateway extends SimNode {
  readonly #upstreams: readonly SimPush[]
  readonly #settings: GatewaySettings
  readonly #taps: Taps
  node: Gateway | null = null
  /** World time since which no input of its own was lost. */
  exactSinceMs = 0
  /** World time at which it last answered something without having heard from upstream. */
  timedOutAtMs = -Infinity

  constructor(world: World, id: string, upstreams: readonly SimPush[], settings: GatewaySettings, taps: Taps) {
    super(world, id)
    this.#upstreams = upstreams
    this.#settings = settings
    this.#taps = taps
  }

  protected run(): void {
    const { groups, flushIntervalMs, pulseIntervalMs } = this.#settings
    const { isLed } = this.world
    const upstreams = isLed ? [] : this.#upstreams.map(({ line, address }) => ({ line, addresses: [address] }))
    const session = { ...GATEWAY_BASE.gateway.session, flushIntervalMs, pulseIntervalMs }
    const config = {
      ...GATEWAY_BASE,
      node: { ...GATEWAY_BASE.node, id: this.id, zone: this.zone, advertise: [this.address] },
      gateway: { ...GATEWAY_BASE.gateway, upstreams, groups, session },
    } as unknown as GatewayConfig
    this.exactSinceMs = this.world.nowMs
    this.node = createGateway(config, {
      ...(isLed ? this.lookAround(this.openLog()) : {}),
      logger: this.logger(),
      clock: this.process.clock,
      random: this.random.fork().next,
      listen: listenOn(this.world.network, this.process, this.address),
      connect: connectLinks(this.world.network, this.process, this.#makeTap),
    })
    this.join('gateway', this.node)
    void this.node.start()
  }

  protected async end(deadlineMs: number): Promise<void> {
    await this.node!.drain(deadlineMs)
    await this.node!.close()
  }

  protected override logged(code: string): void {
    if (code === 'upstream_timeout') this.timedOutAtMs = this.world.nowMs
  }

  readonly #makeTap: MakeTap = (process, address) => {
    const tap = this.#taps.make({
      receiver: this.id,
      process,
      sender: hostOf(address),
      countsExactSinceMs: () => 0,
      mayNotKnow: () => false,
    })
    const closed = () => {
      tap.closed()
      this.exactSinceMs = this.world.nowMs
    }
    return { ...tap, closed } satisfies HopTap
  }
}

const ENV = { PULSEWIRE_FEEDS: '[{name: stub, topic: stub}]', PULSEWIRE_LOG_BROKERS: 'kafka:9092' }
const UPSTREAMS = '[{line: A, addresses: ["ws://stub:1"]}]'
const PULSE_BASE = loadConfig('pulse', { env: ENV })
const PUSH_BASE = loadConfig('push', { env: ENV })
const GATEWAY_BASE = loadConfig('gateway', { env: { PULSEWIRE_GATEWAY_UPSTREAMS: UPSTREAMS } })
