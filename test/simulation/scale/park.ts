/** A thousand gateways, as far as leases, probes and clients see them. */
import {
  LeaseKeeper,
  type ControlDirectory,
  type DirectoryConfig,
  type LeaseContent,
  type Log,
  type Logger,
  type Member,
} from '@pulsewire/server'
import { ByteWriter, decodeUpstreamBin, KIND, writePulse, type DownstreamFrame, type UpstreamFrame } from '@pulsewire/protocol'
import type { ConnectProbe, ProbeEvents } from '../../../packages/server/src/balancer/probe/connect.ts'
import type { Kernel } from '../world/kernel.ts'
import { EPOCH_MS, SimProcess } from '../world/process.ts'
import type { Random } from '../world/random.ts'
import { Door } from './door.ts'

const PULSE_INTERVAL_MS = 1000
const FEED = 'quote'
const PULSE_AGE_MS = 200
/** Nodes beat and pulse at one of so many moments of a second each, so that the balancers' work comes in portions. */
const PHASES = 10
/** From the balancers to any gateway, one way. */
const PROBE_TRAVEL_MS = 5

export interface ParkOptions {
  readonly kernel: Kernel
  readonly random: Random
  readonly zones: readonly string[]
  readonly gateways: number
  readonly partitions: number
  /** Of each gateway, in modelled clients. */
  readonly sessionsMax: number
  readonly connectionsPerSecond: number
}

interface ProbeSession {
  readonly balancer: SimProcess
  readonly events: ProbeEvents
  subscribed: boolean
}

/** What went over the connections of probes, both ways. */
export interface ProbeTraffic {
  messages: number
  bytes: number
}

/** A gateway without its inside: it beats a lease, takes clients at its door, and tells probes of pulses. */
export class ModelGateway implements Member {
  readonly node: string
  readonly zone: string
  readonly process: SimProcess
  readonly door: Door
  readonly probes = new Set<ProbeSession>()
  sessions = 0
  /** When the newest pulse came; `null`: none has. */
  pulsedAtMs: number | null = null
  readonly #sessionsMax: number

  constructor(node: string, zone: string, { kernel, sessionsMax, connectionsPerSecond }: ParkOptions) {
    this.node = node
    this.zone = zone
    this.process = new SimProcess(kernel, node, node, { offsetMs: 0, drift: 0 })
    this.#sessionsMax = sessionsMax
    this.door = new Door(connectionsPerSecond, kernel)
  }

  get address(): string {
    return `ws://${this.node}:8080`
  }

  get isThere(): boolean {
    return this.process.state === 'running'
  }

  /** @returns whether the client is let in. */
  knock(): boolean {
    if (this.sessions >= this.#sessionsMax || !this.door.knock()) return false
    this.sessions++
    return true
  }

  leaseContent(): LeaseContent {
    return {
      addresses: [this.address],
      feeds: [{ feed: FEED, generation: 1, pulseAgeMs: PULSE_AGE_MS }],
      ready: true,
      draining: false,
      load: { sessions: this.sessions, sessionsMax: this.#sessionsMax },
    }
  }

  lapsed(): void {}

  told(): void {}
}

export class Park {
  readonly gateways: readonly ModelGateway[]
  readonly byUrl: ReadonlyMap<string, ModelGateway>
  /** Kafka is away: gateways have no pulse to pass on. */
  isSilent = false
  readonly traffic: ProbeTraffic = { messages: 0, bytes: 0 }
  readonly #options: ParkOptions
  #pulse = 0

  constructor(options: ParkOptions) {
    this.#options = options
    const { zones, gateways } = options
    this.gateways = Array.from({ length: gateways }, (_, i) => new ModelGateway(`gw-${i + 1}`, zones[i % zones.length]!, options))
    this.byUrl = new Map(this.gateways.map((gateway) => [gateway.address, gateway]))
  }

  /**
   * Each beats its own lease by the real keeper. What a gateway knows of the others plays no part here, so one directory
   * reads for all of them.
   */
  start(directory: ControlDirectory, log: Log, config: DirectoryConfig, logger: Logger): void {
    const { kernel } = this.#options
    this.gateways.forEach((gateway, i) => {
      const phaseMs = ((i % PHASES) * PULSE_INTERVAL_MS) / PHASES
      kernel.after(phaseMs, () => {
        const keeper = new LeaseKeeper({
          directory,
          log,
          member: gateway,
          identity: { node: gateway.node, role: 'gateway', zone: gateway.zone, track: 'stable', version: '0.1.0' },
          beatIntervalMs: config.beatIntervalMs,
          lifeMs: config.lifeMs,
          logger,
          clock: gateway.process.clock,
          busy: () => 0.3,
          vitals: () => ({ uptimeMs: 1, loopDelayMs: 1, memoryBytes: 1 }),
        })
        void keeper.start()
        gateway.process.clock.every(PULSE_INTERVAL_MS, () => this.#pulseOf(gateway))
      })
    })
  }

  /** The lines to the zone are cut: nobody there is reached any more, and nobody is told. */
  lose(zone: string): ModelGateway[] {
    const lost = this.gateways.filter((gateway) => gateway.zone === zone)
    for (const { process } of lost) process.kill()
    return lost
  }

  connectFrom(balancer: SimProcess): ConnectProbe {
    return (address, events) => {
      const gateway = this.byUrl.get(address)
      const session: ProbeSession = { balancer, events, subscribed: false }
      let open = true
      if (gateway?.isThere === true) {
        gateway.probes.add(session)
        balancer.io(this.#options.kernel.nowMs + 2 * PROBE_TRAVEL_MS, () => open && events.opened())
      }
      // Whoever is not there says nothing; the handshake has its deadline.
      const deadline = balancer.clock.after(2000, () => {
        if (open && gateway?.isThere !== true) events.closed('Opening handshake has timed out')
      })
      return {
        send: (message) => {
          if (!open || gateway === undefined) return
          const bytes = message as Uint8Array
          this.#count(bytes)
          gateway.process.io(this.#options.kernel.nowMs + PROBE_TRAVEL_MS, () => {
            for (const frame of decodeUpstreamBin(bytes) as UpstreamFrame[]) this.#answer(gateway, session, frame)
          })
        },
        drop: () => {
          open = false
          deadline.cancel()
          gateway?.probes.delete(session)
        },
      }
    }
  }

  #answer(gateway: ModelGateway, session: ProbeSession, frame: UpstreamFrame): void {
    const at = gateway.process.clock.nowMs()
    if (frame.t === 'hello') this.#send(session, jsonMessage(this.#welcome(gateway, at)))
    else if (frame.t === 'sync') this.#send(session, jsonMessage({ t: 'sync', echo: frame.at, at }))
    else if (frame.t === 'subscribe') {
      session.subscribed = true
      this.#send(session, jsonMessage({ t: 'subscribed', id: frame.id, done: true }))
      // Whoever comes gets the newest pulse at once, however old.
      this.#send(session, this.#pulseMessage(gateway, gateway.pulsedAtMs))
    } else if (frame.t === 'bye') {
      gateway.probes.delete(session)
      session.balancer.io(this.#options.kernel.nowMs + PROBE_TRAVEL_MS, () => session.events.closed('bye'))
    }
  }

  #welcome({ node }: ModelGateway, at: number): DownstreamFrame {
    return {
      t: 'welcome',
      session: `${node}.1`,
      node,
      role: 'gateway',
      version: '0.1.0',
      at,
      epoch: EPOCH_MS,
      pulseIntervalMs: PULSE_INTERVAL_MS,
      staleAfterMs: 2500,
      feeds: [{ feed: FEED, mode: 'latest', codec: 'json', generation: 1, partitions: this.#options.partitions }],
      limits: { messageBytesMax: 16_384, subscriptionsMax: 100 },
    }
  }

  /** The same message for all its probes. */
  #pulseOf(gateway: ModelGateway): void {
    if (!this.isSilent) gateway.pulsedAtMs = gateway.process.clock.nowMs()
    const message = this.#pulseMessage(gateway, this.isSilent ? null : gateway.pulsedAtMs)
    for (const session of gateway.probes) if (session.subscribed) this.#send(session, message)
  }

  /** @param pulsedAtMs when the pulse came that it brings; `null`: it is a heartbeat. */
  #pulseMessage(gateway: ModelGateway, pulsedAtMs: number | null): Uint8Array {
    const pulse = ++this.#pulse
    const at = gateway.process.clock.nowMs()
    const writer = new ByteWriter()
    if (pulsedAtMs === null) {
      writePulse(writer, { t: 'pulse', pulse, at }, -1, EPOCH_MS)
      return writer.take()
    }
    const waitedMs = 1 + Math.round(at - pulsedAtMs)
    const partitions = Array.from(
      { length: this.#options.partitions },
      (_, i) => [i, Math.round(pulsedAtMs - EPOCH_MS), 0, PULSE_AGE_MS + waitedMs - 1, [waitedMs]] as const,
    )
    writePulse(writer, { t: 'pulse', pulse, at, feed: FEED, generation: 1, paths: [[gateway.node]], partitions }, 0, EPOCH_MS)
    return writer.take()
  }

  #send({ balancer, events }: ProbeSession, message: Uint8Array): void {
    this.#count(message)
    balancer.io(this.#options.kernel.nowMs + PROBE_TRAVEL_MS, () => events.message(message))
  }

  #count(message: Uint8Array): void {
    this.traffic.messages++
    this.traffic.bytes += message.byteLength
  }
}

function jsonMessage(frame: DownstreamFrame): Uint8Array {
  const writer = new ByteWriter()
  writer.u8(KIND.json)
  writer.text(JSON.stringify(frame))
  return writer.take()
}
