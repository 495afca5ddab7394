import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { EventsAnswer, Topology, TopologyEvent } from '@pulsewire/server'
import { smallTopology } from './topologies.ts'

/** A balancer that knows what a test tells it. */
export class SpokenBalancer {
  topology: Topology = smallTopology()
  readonly events: TopologyEvent[] = []
  asked = 0
  /** The one that it hands out. */
  gateway = ''
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      this.asked++
      const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
      const since = Number(searchParams.get('since'))
      const { atMs, balancer } = this.topology
      const events: EventsAnswer = {
        ...{ balancer, atMs, startedAtMs: 1 },
        events: this.events.filter(({ id }) => id > since),
        last: this.events.length,
      }
      const answers: Readonly<Record<string, unknown>> = {
        '/v1/topology': this.topology,
        '/v1/events': events,
        '/v1/gateways': {
          ...{ ttlMs: 10_000, connectAfterMs: 0, degraded: false, reasons: [], balancer },
          gateways: [{ node: 'gw-1', address: this.gateway, zone: 'default' }],
        },
      }
      response.end(JSON.stringify(answers[pathname]))
    })
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${this.port}`
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  tell(message: string, tone: TopologyEvent['tone'], node: string): void {
    this.events.push({ id: this.events.length + 1, atMs: this.topology.atMs, kind: 'evicted', tone, node, message })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
