import { ByteWriter, decodeUpstreamBin, KIND, writePulse, type DownstreamFrame, type UpstreamFrame } from '@pulsewire/protocol'
import type { ManualClock } from '../../../../../test/support/manual-clock.ts'
import type { ConnectProbe, ProbeEvents } from '../probe/connect.ts'

const PULSE_INTERVAL_MS = 1000
const EPOCH = 1_764_000_000_000

/** One gateway, as far as a probe can see it. */
export interface MemoryGateway {
  /** What it calls itself. */
  name: string
  /** Whether it passes pulses on; it sends heartbeats all the same. */
  pulses: boolean
  pulseAgeMs: number
  /** How much of that a pulse has waited at the gateway for the turn of the connection. */
  pulseWaitMs: number
  generation: number
  /** Whether those get pulses, and not heartbeats alone, that come from now on. */
  servesNew: boolean
  /** Open now. */
  sessions: number
}

interface Session {
  readonly events: ProbeEvents
  pulse: number
  subscribed: boolean
  readonly isServed: boolean
}

/**
 * Gateways that do to a probe what a test tells them to, frame by frame; what real ones do is in the tests of the probe and
 * in test/integration. They speak bin.v1.
 */
export class MemoryGateways {
  /** That were let in since the start. */
  connections = 0
  readonly #clock: ManualClock
  readonly #gateways = new Map<string, MemoryGateway>()
  readonly #sessions = new Map<string, Set<Session>>()
  readonly #frozen = new Set<string>()
  readonly #dead = new Set<string>()
  readonly #shut = new Set<string>()
  /** When the newest pulse came, by gateway. */
  readonly #pulsedAtMs = new Map<string, number>()

  constructor(clock: ManualClock) {
    this.#clock = clock
    clock.every(PULSE_INTERVAL_MS, () => this.#pulse())
  }

  add(node: string): void {
    this.#gateways.set(node, { name: node, pulses: true, pulseAgeMs: 200, pulseWaitMs: 1, generation: 1, servesNew: true, sessions: 0 })
    this.#sessions.set(node, new Set())
  }

  of(node: string): MemoryGateway {
    return this.#gateways.get(node)!
  }

  freeze(node: string): void {
    this.#frozen.add(node)
  }

  thaw(node: string): void {
    this.#frozen.delete(node)
  }

  /** Sessions end, and nobody answers. */
  kill(node: string): void {
    this.#dead.add(node)
    for (const session of this.#take(node)) session.events.closed('connection reset')
  }

  /** Sessions that are open go on; nobody is let in any more. */
  shut(node: string): void {
    this.#shut.add(node)
  }

  reopen(node: string): void {
    this.#shut.delete(node)
  }

  restart(node: string): void {
    this.#dead.delete(node)
  }

  /** The gateway follows the feed into another generation. */
  move(node: string, generation: number): void {
    this.of(node).generation = generation
    for (const session of this.#sessions.get(node)!) this.#send(node, session, { t: 'feeds', feeds: [this.#feed(node)] })
  }

  readonly connect: ConnectProbe = (address, events) => {
    const node = [...this.#gateways.keys()].find((name) => address === `ws://${name}:8080`)
    if (node === undefined || this.#dead.has(node) || this.#shut.has(node)) {
      const isShut = node !== undefined && this.#shut.has(node)
      this.#clock.soon(() => events.closed(isShut ? 'socket hang up' : 'connect ECONNREFUSED'))
      return { send() {}, drop() {} }
    }
    if (this.#frozen.has(node)) {
      const timer = this.#clock.after(2000, () => events.closed('Opening handshake has timed out'))
      return { send() {}, drop: () => timer.cancel() }
    }
    const session: Session = { events, pulse: 0, subscribed: false, isServed: this.of(node).servesNew }
    this.connections++
    this.#sessions.get(node)!.add(session)
    this.of(node).sessions++
    this.#clock.soon(() => events.opened())
    return {
      send: (message) => {
        for (const frame of decodeUpstreamBin(message as Uint8Array) as UpstreamFrame[]) this.#frame(node, session, frame)
      },
      drop: () => this.#leave(node, session),
    }
  }

  #frame(node: string, session: Session, frame: UpstreamFrame): void {
    if (frame.t === 'hello') this.#send(node, session, this.#welcome(node))
    else if (frame.t === 'sync') this.#send(node, session, { t: 'sync', echo: frame.at, at: this.#clock.nowMs() })
    else if (frame.t === 'subscribe') {
      session.subscribed = true
      this.#send(node, session, { t: 'subscribed', id: frame.id, done: true })
      // Whoever comes gets the newest pulse at once, however old.
      this.#sendPulse(node, session, this.#pulsedAtMs.get(node))
    } else if (frame.t === 'bye') {
      this.#leave(node, session)
      this.#clock.soon(() => session.events.closed('bye'))
    }
  }

  #welcome(node: string): DownstreamFrame {
    return {
      t: 'welcome',
      session: `${node}.1`,
      node: this.of(node).name,
      role: 'gateway',
      version: '0.1.0',
      at: this.#clock.nowMs(),
      epoch: EPOCH,
      pulseIntervalMs: PULSE_INTERVAL_MS,
      staleAfterMs: 2500,
      feeds: [this.#feed(node)],
      limits: { messageBytesMax: 16_384, subscriptionsMax: 100 },
    }
  }

  #feed(node: string) {
    return { feed: 'quote', mode: 'latest', codec: 'json', generation: this.of(node).generation, partitions: 2 } as const
  }

  #pulse(): void {
    for (const [node, sessions] of this.#sessions) {
      const { pulses } = this.of(node)
      if (pulses) this.#pulsedAtMs.set(node, this.#clock.nowMs())
      for (const session of sessions) if (session.subscribed) this.#sendPulse(node, session, pulses ? this.#clock.nowMs() : undefined)
    }
  }

  /** A heartbeat where none has come. */
  #sendPulse(node: string, session: Session, pulsedAtMs: number | undefined): void {
    const { pulseAgeMs, pulseWaitMs, generation } = this.of(node)
    const pulse = ++session.pulse
    const at = this.#clock.nowMs()
    if (pulsedAtMs === undefined || !session.isServed) return this.#send(node, session, { t: 'pulse', pulse, at })
    const keptMs = at - pulsedAtMs
    const rows = [0, 1].map((partition) => [partition, pulsedAtMs - EPOCH, 0, pulseAgeMs + keptMs, [pulseWaitMs + keptMs]] as const)
    this.#send(node, session, { t: 'pulse', pulse, at, feed: 'quote', generation, paths: [[node]], partitions: rows })
  }

  #send(node: string, { events }: Session, frame: DownstreamFrame): void {
    if (this.#frozen.has(node)) return
    const writer = new ByteWriter()
    if (frame.t === 'pulse') writePulse(writer, frame, frame.feed === undefined ? -1 : 0, EPOCH)
    else {
      writer.u8(KIND.json)
      writer.text(JSON.stringify(frame))
    }
    const message = writer.take()
    this.#clock.soon(() => events.message(message))
  }

  #leave(node: string, session: Session): void {
    if (this.#sessions.get(node)!.delete(session)) this.of(node).sessions--
  }

  #take(node: string): Session[] {
    const sessions = [...this.#sessions.get(node)!]
    for (const session of sessions) this.#leave(node, session)
    return sessions
  }
}
