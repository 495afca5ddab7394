/** A zone whose Kafka is its own: pulse writer, push nodes of both lines, a gateway and a balancer that sees other zones, too. */
import { type GatewaysAnswer, type Log, openKafkaLog, type VerdictRow, type VerdictsAnswer } from '@pulsewire/server'
import { FaultNode, type Role } from '../faults/rig/node.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'

const TOPIC = 'quotes'
const PARTITIONS = 3
export const SYMBOLS = ['S0', 'S1', 'S2', 'S3']

export class OwnLogZone implements AsyncDisposable {
  readonly name: string
  readonly nodes: FaultNode[] = []
  readonly #generation: number
  #otherZones: readonly object[] = []
  #kafka: KafkaForTests
  #log: Log

  private constructor(name: string, generation: number, kafka: KafkaForTests) {
    this.name = name
    this.#generation = generation
    this.#kafka = kafka
    this.#log = openKafkaLog({ brokers: kafka.brokers })
  }

  /** @param generation of its feed: each zone counts its own. */
  static async open(name: string, generation: number): Promise<OwnLogZone> {
    const zone = new OwnLogZone(name, generation, await startKafka({ own: true }))
    await zone.#log.createTopic(TOPIC, { partitions: PARTITIONS })
    return zone
  }

  get brokers(): readonly string[] {
    return this.#kafka.brokers
  }

  get balancer(): FaultNode {
    return this.nodes.find(({ role }) => role === 'balancer')!
  }

  get gateway(): FaultNode {
    return this.nodes.find(({ role }) => role === 'gateway')!
  }

  /** For commands that look at the zone as its balancer does. */
  get settings(): object {
    const { name, brokers } = this
    return { node: { zone: name }, log: { brokers }, directory: { enabled: true }, balancer: { otherZones: this.#otherZones } }
  }

  async startNodes(others: readonly OwnLogZone[]): Promise<void> {
    const feeds = [{ name: 'quote', topic: TOPIC, generation: this.#generation, warmup: { spanMs: 60_000 } }]
    const listening = (role: Role, port: number, rest: object = {}) => ({ [role]: { listen: { host: '127.0.0.1', port }, ...rest } })
    this.#otherZones = others.map(({ name, brokers }) => ({ zone: name, log: { brokers } }))
    const plan = (id: string, role: Role, config: (port: number) => object, line?: 'A' | 'B'): void => {
      const shared = {
        node: { id: `${id}-${this.name}`, zone: this.name, ...(line === undefined ? {} : { line }) },
        log: { brokers: this.brokers },
        directory: { enabled: true },
        // It ends what a busy machine does not let run for long, and nobody here starts that again.
        watchdog: { enabled: false },
      }
      this.nodes.push(new FaultNode({ id: `${id}-${this.name}`, role, config: (port) => ({ ...shared, ...config(port) }) }))
    }
    plan('pulse', 'pulse', () => ({ feeds }))
    for (const line of ['A', 'B'] as const) plan(`push-${line}`, 'push', (port) => ({ feeds, ...listening('push', port) }), line)
    plan('gw', 'gateway', (port) => listening('gateway', port))
    plan('lb', 'balancer', (port) => listening('balancer', port, { otherZones: this.#otherZones }))
    await this.#start()
  }

  /** The same values in each zone, as a source would that writes to all of them; one whose Kafka is away misses them. */
  async produce(last: number): Promise<void> {
    await this.#log.append(
      TOPIC,
      SYMBOLS.map((symbol) => ({ key: symbol, value: JSON.stringify({ last, zone: this.name }) })),
    )
  }

  /** Everything at once, as when the power fails. */
  async kill(): Promise<void> {
    await Promise.all([...this.nodes.map((node) => node.kill()), this.#kafka.kill()])
  }

  killKafka(): Promise<void> {
    return this.#kafka.kill()
  }

  /** What was killed, with the data that it had. */
  async restart(): Promise<void> {
    await this.#kafka.restart()
    await this.#start()
  }

  /** Kafka with nothing in it, at the same address, and all nodes, which were killed. */
  async rebuild(): Promise<void> {
    const port = Number(this.brokers[0]!.split(':')[1])
    await this.#log.close()
    await this.#kafka.stop()
    this.#kafka = await startKafka({ own: true, port })
    this.#log = openKafkaLog({ brokers: this.#kafka.brokers })
    await this.#log.createTopic(TOPIC, { partitions: PARTITIONS })
    await this.#start()
  }

  async #start(): Promise<void> {
    // One by one: a machine that is busy gives all at once too little each.
    for (const node of this.nodes) await node.start()
  }

  // ---- what its balancer says

  /** @returns `null` where it has no answer. */
  async answer(zone: string): Promise<GatewaysAnswer | null> {
    return ask(this.balancer, `/v1/gateways?zone=${zone}`)
  }

  /** Gateways for a client of that zone, best first; after `?` those that nobody vouches for. */
  async handsOut(zone: string): Promise<string> {
    const answer = await this.answer(zone)
    const names = answer?.gateways.map(({ node }) => node).join(' ') ?? 'none'
    return answer?.degraded === true ? `?${names}` : names
  }

  async verdicts(): Promise<readonly VerdictRow[]> {
    return (await ask<VerdictsAnswer>(this.balancer, '/v1/verdicts'))?.verdicts ?? []
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`http://127.0.0.1:${this.balancer.port}/ready`)).ok
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()))
    await this.#log.close()
    await this.#kafka.stop()
  }
}

async function ask<T>({ port }: FaultNode, path: string): Promise<T | null> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return response.ok ? ((await response.json()) as T) : null
}
