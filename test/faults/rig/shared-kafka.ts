import { openKafkaLog, type Log } from '@pulsewire/server'
import { startKafka, type KafkaForTests } from '../../support/kafka.ts'
import { FetchSwallower, TcpProxy } from '../../support/proxy/index.ts'

/** Nodes that may be led to Kafka through a proxy of their own. */
const PROXIED = ['push-a1', 'push-b1', 'pulse-1', 'pulse-2', 'gw-1', 'lb-1'] as const

/** One real Kafka for a whole run of rows; each row has topics of its own and leaves Kafka up and clear. */
export class SharedKafka implements AsyncDisposable {
  readonly kafka: KafkaForTests
  /** The runner's own way to Kafka, past all proxies. */
  readonly log: Log
  readonly proxies: ReadonlyMap<string, TcpProxy>
  readonly swallowers: ReadonlyMap<string, FetchSwallower>

  private constructor(kafka: KafkaForTests, proxies: ReadonlyMap<string, TcpProxy>, swallowers: ReadonlyMap<string, FetchSwallower>) {
    this.kafka = kafka
    this.log = openKafkaLog({ brokers: kafka.brokers, clientId: 'fault-runner' })
    this.proxies = proxies
    this.swallowers = swallowers
  }

  static async start(): Promise<SharedKafka> {
    const swallowers = new Map(PROXIED.map((id) => [id, new FetchSwallower()]))
    const proxies = new Map<string, TcpProxy>()
    for (const id of PROXIED) proxies.set(id, await TcpProxy.listen(undefined, { filters: () => swallowers.get(id)!.filters() }))
    try {
      const kafka = await startKafka({ own: true, proxyPorts: PROXIED.map((id) => proxies.get(id)!.port) })
      PROXIED.forEach((id, i) => proxies.get(id)!.leadTo({ port: kafka.proxiedPorts![i]! }))
      return new SharedKafka(kafka, proxies, swallowers)
    } catch (error) {
      for (const proxy of proxies.values()) await proxy[Symbol.asyncDispose]()
      throw error
    }
  }

  /** @param proxied whether nodes with a proxy of their own come through it. */
  brokersOf(id: string, proxied: boolean): readonly string[] {
    const proxy = proxied ? this.proxies.get(id) : undefined
    return proxy === undefined ? this.kafka.brokers : [`127.0.0.1:${proxy.port}`]
  }

  /** After a row, whatever it did. */
  clear(): void {
    for (const proxy of this.proxies.values()) proxy.clear()
    for (const swallower of this.swallowers.values()) swallower.swallowing = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log.close()
    await this.kafka.stop()
    for (const proxy of this.proxies.values()) await proxy[Symbol.asyncDispose]()
  }
}
