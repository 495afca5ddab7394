/** A fleet of a thousand gateways and its balancers in virtual time; clients come, a zone is lost, Kafka is away. */
import { createEmbeddedLog, encodeFeed, openDirectory, type EmbeddedLog, type Logger } from '@pulsewire/server'
import { loadConfig } from '../../../packages/server/src/runtime/config/index.ts'
import { resolveOptions, type Settings } from '../../../packages/client/src/options.ts'
import { Kernel } from '../world/kernel.ts'
import { SimProcess } from '../world/process.ts'
import { Random } from '../world/random.ts'
import { CrowdClient } from './crowd.ts'
import { fetchOver, ModelBalancer } from './desk.ts'
import { type ModelGateway, Park } from './park.ts'

export interface ScaleOptions {
  readonly seed: number
  readonly gateways: number
  readonly balancersPerZone: number
  /** Modelled clients per gateway at the start. */
  readonly clientsPerGateway: number
  /** Real clients that one modelled client stands for: rates are divided by it. */
  readonly each: number
  readonly partitions: number
  /** New sessions per second that a real gateway takes. */
  readonly connectionsPerSecond: number
  /** Answers per second of one modelled balancer, to real clients. */
  readonly answersPerSecond: number
}

export const ZONES = ['z1', 'z2', 'z3'] as const
/** The zone that is lost: its clients are modelled one by one from the start. */
const LOST = ZONES[0]
/** Until every probe has heard. */
const WARM_UP_MS = 6000
/** Clients come in so much of the time that their gateways can take them in. */
const FILL_RATE = 0.7
const SETTLE_MS = 5000

const silent = (): void => {}
const QUIET: Logger = { debug: silent, info: silent, warn: silent, error: silent, child: () => QUIET }

export class ScaleFleet {
  readonly options: ScaleOptions
  readonly kernel = new Kernel()
  readonly random: Random
  readonly log: EmbeddedLog
  readonly park: Park
  readonly balancers: readonly ModelBalancer[]
  readonly clients: readonly CrowdClient[]
  /** Beats in the control topic so far. */
  readonly beats: () => number
  /** Plain clients that were refused while they came. */
  refusedAtFill = 0

  constructor(options: ScaleOptions) {
    this.options = options
    const { seed, gateways, balancersPerZone, clientsPerGateway, each, partitions } = options
    const random = (this.random = new Random(seed))
    const { kernel } = this
    const connectionsPerSecond = options.connectionsPerSecond / each
    const world = new SimProcess(kernel, 'world', 'world', { offsetMs: 0, drift: 0 })
    const log = (this.log = createEmbeddedLog({ clock: world.clock, name: 'log' }))
    const sessionsMax = clientsPerGateway * 2
    this.park = new Park({ kernel, random, zones: ZONES, gateways, partitions, sessionsMax, connectionsPerSecond })
    const { directory: config } = loadConfig('balancer', { assignments: ['node.id=stub', 'log.kind=embedded', 'directory.enabled=true'] })
    const reader = openDirectory({ config, log: log.connect(), logger: QUIET, clock: world.clock })
    void reader.start()
    kernel.runUntil(100)
    log.appendNow(config.topic, [
      encodeFeed({ feed: 'quote', current: { generation: 1, topic: 'quotes' }, next: null, retired: [], revision: 1 }),
    ])
    this.beats = () => log.describeNow(config.topic).partitions[0]!.latest
    this.park.start(reader, log.connect(), config, QUIET)
    const shared = { kernel, random, log, park: this.park, logger: QUIET, connectionsPerSecond }
    const answersPerSecond = options.answersPerSecond / each
    this.balancers = ZONES.flatMap((zone) =>
      Array.from({ length: balancersPerZone }, (_, i) => new ModelBalancer(`lb-${zone}-${i + 1}`, zone, { ...shared, answersPerSecond })),
    )
    const settings = this.#settings(world)
    const count = this.park.gateways.filter(({ zone }) => zone === LOST).length * clientsPerGateway
    const network = { kernel, random, park: this.park }
    this.clients = Array.from({ length: count }, () => new CrowdClient(network, settings))
  }

  /** All of one zone's clients share them: nothing in them is a client's own but the dice, which are shared as well. */
  #settings({ clock }: SimProcess): Settings {
    return resolveOptions({
      balancer: this.balancers.map(({ origin }) => origin),
      zone: LOST,
      // Lists are renewed every five minutes; none of these stories lasts that long.
      gatewaysRenewMs: 3_600_000,
      environment: { clock, random: this.random.next, fetchText: fetchOver(this.balancers, this), onWake: () => silent },
    })
  }

  run(ms: number): void {
    this.kernel.runUntil(this.kernel.nowMs + ms)
  }

  /** Gateways are proven, and clients come to all zones. @returns how long it took, in ms. */
  fill(): number {
    const { gateways, clientsPerGateway, connectionsPerSecond, each } = this.options
    this.run(WARM_UP_MS)
    const overMs = (1000 * clientsPerGateway) / ((connectionsPerSecond / each) * FILL_RATE)
    for (const client of this.clients) this.kernel.after(this.random.next() * overMs, () => client.connect())
    const plain = gateways * clientsPerGateway - this.clients.length
    for (let i = 0; i < plain; i++) {
      const zone = ZONES[1 + (i % (ZONES.length - 1))]!
      this.kernel.after(this.random.next() * overMs, () => this.#comes(zone, false))
    }
    this.run(overMs + SETTLE_MS)
    return overMs
  }

  /** A client of a zone that stays: it asks, comes at its moment, and is a number from then on. */
  #comes(zone: string, refused: boolean): void {
    const answer = this.random.pick(this.balancers).answer({ zone, refused })
    if (answer === null) return void this.kernel.after(1000, () => this.#comes(zone, refused))
    this.kernel.after(answer.connectAfterMs + this.random.between(5, 60), () => {
      if (this.park.byUrl.get(answer.gateways[0]!.address)!.knock()) return
      this.refusedAtFill++
      this.#comes(zone, true)
    })
  }

  /** The first zone is cut off, its gateways, balancers and the clients' lines to them. */
  loseZone(): ModelGateway[] {
    const lost = this.park.lose(LOST)
    for (const { zone, process } of this.balancers) if (zone === LOST) process.kill()
    for (const client of this.clients) client.cutOff()
    return lost
  }

  /** It says nothing more, to nobody. */
  freezeGateway(gateway: ModelGateway): void {
    gateway.process.kill()
    for (const client of this.clients) if (client.gateway === gateway) client.cutOff()
  }

  get liveBalancers(): ModelBalancer[] {
    return this.balancers.filter(({ process }) => process.state === 'running')
  }

  get liveGateways(): ModelGateway[] {
    return this.park.gateways.filter(({ isThere }) => isThere)
  }

  /** Nodes that a balancer hands out now, of all zones. */
  handedOut(balancer: ModelBalancer): number {
    let count = 0
    for (const { handedOut, role } of balancer.balancer.verdicts) if (role === 'gateway' && handedOut) count++
    return count
  }
}
