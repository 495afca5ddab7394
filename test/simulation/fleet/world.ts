import { createEmbeddedLog, type AppendResult, type EmbeddedLog, type LogAppend } from '@pulsewire/server'
import { LogModel } from '../../support/checker/log-model.ts'
import { Violation } from '../../support/checker/report.ts'
import { Kernel } from '../world/kernel.ts'
import { Http } from '../world/http.ts'
import { Network } from '../world/network.ts'
import { SimProcess } from '../world/process.ts'
import type { Random } from '../world/random.ts'
import { Trace } from '../world/trace.ts'
import type { SimFeed } from './feeds.ts'
import { CONTROL_TOPIC } from './membership.ts'
import { Operator } from './operator.ts'
import type { FleetSize } from './size.ts'
import { type Zone, zoneOf } from './zones.ts'

export interface WorldOptions {
  readonly trace: boolean
  readonly isLed: boolean
  readonly hasZones: boolean
  readonly size: FleetSize
}

/** What everything in one simulation shares. */
export class World {
  readonly kernel = new Kernel()
  readonly random: Random
  readonly network: Network
  readonly http: Http
  readonly operator: Operator
  readonly trace: Trace
  readonly log: EmbeddedLog
  readonly model: LogModel
  readonly feeds: readonly SimFeed[]
  /** Nodes find each other by leases, and clients find gateways by balancers. Otherwise by lists. */
  readonly isLed: boolean
  /** It stands in two data centres, of which one may be lost. */
  readonly hasZones: boolean
  readonly size: FleetSize
  /** Faults at work now between the log and the gateways. */
  disturbances = 0
  #disturbedAtMs = 0
  /** The first promise that was broken. */
  failure: Violation | null = null

  constructor(random: Random, feeds: readonly SimFeed[], { trace, isLed, hasZones, size }: WorldOptions) {
    this.random = random
    this.isLed = isLed
    this.hasZones = hasZones
    this.size = size
    this.feeds = feeds
    this.trace = new Trace(trace, () => this.kernel.nowMs)
    this.network = new Network(this.kernel, random.fork())
    this.http = new Http(this.kernel, this.network)
    this.operator = new Operator(this)
    const world = new SimProcess(this.kernel, 'log', 'log', { offsetMs: 0, drift: 0 })
    this.log = createEmbeddedLog({ clock: world.clock, name: 'log' })
    for (const { config, partitions } of feeds) this.log.createTopicNow(config.topic, { partitions })
    this.model = new LogModel(feeds)
  }

  /** Where a node or client stands; `undefined` where there is one data centre. */
  zoneOf(id: string): Zone | undefined {
    return this.hasZones ? zoneOf(id) : undefined
  }

  get nowMs(): number {
    return this.kernel.nowMs
  }

  /** Since when the inputs of all gateways have been sound; `Infinity` while they are not. */
  get undisturbedSinceMs(): number {
    return this.disturbances > 0 ? Infinity : this.#disturbedAtMs
  }

  disturb(by: 1 | -1): void {
    this.disturbances += by
    this.#disturbedAtMs = this.nowMs
  }

  readonly report = (rule: string, message: string): void => {
    this.trace.say('CHECK', () => `${rule}: ${message}`)
    this.failure ??= new Violation(rule, `at ${this.nowMs.toFixed(1)} ms: ${message}`)
    this.kernel.stop()
  }

  /** Records came into the log. */
  readonly appended = (topic: string, records: readonly LogAppend[], results: readonly AppendResult[]): void => {
    if (topic !== CONTROL_TOPIC) this.model.appended(topic, records, results, this.nowMs)
  }
}
