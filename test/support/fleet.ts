/** A whole installation as real processes on loopback: pulse writers, push nodes by line, gateways. */
import { NodeProcess } from './node-process.ts'

export interface FleetOptions {
  readonly brokers: readonly string[]
  readonly feeds: readonly Readonly<Record<string, unknown>>[]
  /** Lines of the push nodes, one each. Default: A and B. */
  readonly push?: readonly ('A' | 'B')[]
  /** Default 2. */
  readonly gateways?: number
  /** Default 2. */
  readonly pulses?: number
  /** What a push node says once gateways may be started. Default: `ready`. */
  readonly ready?: string
  /** Added to the section of each push node. */
  readonly pushWith?: Readonly<Record<string, unknown>>
  /** Added to the section of each gateway. */
  readonly gateway?: Readonly<Record<string, unknown>>
  /** Control topic: nodes find each other by leases, and push nodes of a line share its partitions. Default: static lists. */
  readonly directory?: string
  /** Gateways know where the log is, also without a directory. */
  readonly gatewayLog?: boolean
  /** Added to the environment of every node. */
  readonly env?: Readonly<Record<string, string>>
}

export class Fleet implements AsyncDisposable {
  readonly pushNodes: NodeProcess[] = []
  readonly gateways: NodeProcess[] = []
  readonly pulses: NodeProcess[] = []
  readonly #options: FleetOptions

  constructor(options: FleetOptions) {
    this.#options = options
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options)
    try {
      const lines = options.push ?? ['A', 'B']
      fleet.pulses.push(...(await Promise.all(Array.from({ length: options.pulses ?? 2 }, (_, i) => fleet.startPulse(`pulse-${i + 1}`)))))
      fleet.pushNodes.push(...(await Promise.all(lines.map((line, i) => fleet.startPush(`push-${line.toLowerCase()}${i + 1}`, line)))))
      await Promise.all(fleet.pushNodes.map((node) => node.line(({ code }) => code === (options.ready ?? 'ready'))))
      fleet.gateways.push(
        ...(await Promise.all(Array.from({ length: options.gateways ?? 2 }, (_, i) => fleet.startGateway(`gw-${i + 1}`)))),
      )
      return fleet
    } catch (error) {
      await fleet[Symbol.asyncDispose]()
      throw error
    }
  }

  get urls(): string[] {
    return this.gateways.map(({ url }) => url)
  }

  startPulse(id: string): Promise<NodeProcess> {
    return NodeProcess.start('pulse', { ...this.#shared(), node: { id } }, this.#options.env)
  }

  startPush(id: string, line: 'A' | 'B', port = 0): Promise<NodeProcess> {
    return NodeProcess.start(
      'push',
      { ...this.#shared(), node: { id, line }, push: { listen: { host: '127.0.0.1', port }, ...this.#options.pushWith } },
      this.#options.env,
    )
  }

  startGateway(id: string, port = 0): Promise<NodeProcess> {
    const { directory } = this.#options
    const found = this.pushNodes.map((node, i) => ({ line: (this.#options.push ?? ['A', 'B'])[i], addresses: [node.url] }))
    const upstreams = directory === undefined ? found : []
    return NodeProcess.start(
      'gateway',
      {
        ...(directory === undefined && this.#options.gatewayLog !== true ? {} : this.#log()),
        node: { id },
        gateway: { listen: { host: '127.0.0.1', port }, upstreams, ...this.#options.gateway },
      },
      this.#options.env,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.gateways, ...this.pushNodes, ...this.pulses].map((node) => node[Symbol.asyncDispose]()))
  }

  #shared(): object {
    return { ...this.#log(), feeds: this.#options.feeds }
  }

  #log(): object {
    const { brokers, directory } = this.#options
    return { log: { kind: 'kafka', brokers }, ...(directory === undefined ? {} : { directory: { enabled: true, topic: directory } }) }
  }
}
