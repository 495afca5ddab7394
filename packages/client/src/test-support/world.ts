import type { Encoding, FieldValue } from '@pulsewire/protocol'
import { PulsewireClient } from '../client.ts'
import type { TextAnswer } from '../connection/fetch-text.ts'
import type { Environment } from '../environment.ts'
import type { ClientOptions } from '../options.ts'
import { FakeClock, settled } from './fake-clock.ts'
import { FakeConnection, FakeGateway, FakeLog } from './fake-gateway.ts'

/** A clock, a log, gateways and a client, all in memory: every run is the same. */
export class World {
  readonly clock = new FakeClock()
  readonly log: FakeLog
  readonly gateways: FakeGateway[] = []
  /** Addresses in the order in which the client tried them. */
  readonly attempts: { url: string; atMs: number }[] = []
  encodings: readonly Encoding[] = ['pulsewire.bin.v1', 'pulsewire.json.v1']
  wake: () => void = () => {}
  /** What balancers answer. */
  balancer: (url: string, signal: AbortSignal) => Promise<TextAnswer> = () => Promise.reject(new Error('connection refused'))
  random = () => 0.5
  /** Time a message takes from the client to a gateway. */
  #latencyMs = 0

  constructor(partitions = 2) {
    this.log = new FakeLog(partitions)
  }

  gateway(node: string, feed: ConstructorParameters<typeof FakeGateway>[3] = {}, log = this.log): FakeGateway {
    const gateway = new FakeGateway(node, log, this.clock, feed)
    this.gateways.push(gateway)
    return gateway
  }

  address(gateway: FakeGateway): string {
    return `ws://${gateway.node}:8080`
  }

  get environment(): Environment {
    return {
      clock: this.clock,
      random: () => this.random(),
      onWake: (callback) => {
        this.wake = callback
        return () => {}
      },
      fetchText: (url, _bytesMax, signal) => this.balancer(url, signal),
      openSocket: (url, protocols, events) => {
        this.attempts.push({ url, atMs: this.clock.nowMs() })
        const gateway = this.gateways.find((each) => url === `${this.address(each)}/v1/stream`)
        if (gateway === undefined || gateway.down) {
          queueMicrotask(() => events.onClose(1006, ''))
          return { send() {}, close() {} }
        }
        const encoding = gateway.encoding ?? this.encodings.find((each) => protocols.includes(each)) ?? 'pulsewire.json.v1'
        const connection = new FakeConnection(gateway, url, encoding, events)
        gateway.connections.push(connection)
        if (!gateway.frozen) queueMicrotask(() => events.onOpen(encoding))
        return {
          send: (data) => void this.#later(() => connection.receive(data)),
          close: (code) => void this.#later(() => connection.closedByClient(code)),
        }
      },
    }
  }

  client(options: Partial<ClientOptions> = {}): PulsewireClient {
    return new PulsewireClient({ url: this.gateways.map((each) => this.address(each)), environment: this.environment, ...options })
  }

  /** Appends a record and has every gateway of its log forward it. */
  publish(symbol: string, values: Record<string, FieldValue>, log = this.log): void {
    const record = log.append(symbol, values, this.clock.nowMs())
    for (const gateway of this.gateways) if (gateway.log === log) gateway.forward(record)
  }

  /** A pulse of every partition through every gateway. */
  async pulse(): Promise<void> {
    for (const log of new Set(this.gateways.map((gateway) => gateway.log))) {
      const offsets = Array.from({ length: log.partitions }, (_, partition) => log.appendPulse(partition))
      for (const gateway of this.gateways) {
        if (gateway.log !== log) continue
        for (const connection of gateway.connections) connection.pulse([...offsets.keys()], offsets, gateway.pulseAgeMs)
      }
    }
    await settled()
  }

  /** Lets time pass with a pulse a second, as a healthy system would. */
  async run(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= 1000) {
      await this.clock.advance(Math.min(1000, leftMs))
      await this.pulse()
    }
  }

  /** The client's clock makes a step, and nobody else's. */
  step(ms: number): void {
    this.clock.step(ms)
    for (const gateway of this.gateways) gateway.skewMs -= ms
  }

  #later(callback: () => void): void {
    if (this.#latencyMs > 0) this.clock.after(this.#latencyMs, callback)
    else queueMicrotask(callback)
  }
}

export const BOTH_ENCODINGS = ['pulsewire.bin.v1', 'pulsewire.json.v1'] as const

/** A world where one gateway speaks only this encoding. */
export function worldOf(encoding: Encoding, partitions = 2): World {
  const world = new World(partitions)
  world.encodings = [encoding]
  return world
}

export { settled }
