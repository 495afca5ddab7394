import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { EventsAnswer, Topology, TopologyEvent } from '@pulsewire/server'
import { smallTopology } from './topologies.ts'

/** More often than a real one: tests wait for it. */
const PUSH_INTERVAL_MS = 250

/** A balancer that knows what a test tells it. */
export class SpokenBalancer {
  topology: Topology = smallTopology()
  readonly events: TopologyEvent[] = []
  /** Questions, and topologies that were told without one. */
  asked = 0
  /** Whether it has a stream. */
  streams = true
  /** The one that it hands out. */
  gateway = ''
  readonly #server: Server
  readonly #open = new Map<ServerResponse, { since: number }>()
  readonly #timer = setInterval(() => this.#push(), PUSH_INTERVAL_MS)

  constructor() {
    this.#server = createServer((request, response) => {
      this.asked++
      const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
      if (pathname === '/v1/stream') return this.#stream(response, searchParams.get('since') ?? '')
      const { balancer } = this.topology
      const events = this.#eventsSince(Number(searchParams.get('since')))
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

  #eventsSince(since: number): EventsAnswer {
    const { atMs, balancer } = this.topology
    return { balancer, atMs, startedAtMs: 1, events: this.events.filter(({ id }) => id > since), last: this.events.length }
  }

  #stream(response: ServerResponse, since: string): void {
    if (!this.streams) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    this.#open.set(response, { since: Number(since.split(':')[1] ?? 0) })
    response.once('close', () => this.#open.delete(response))
    this.#push()
  }

  #push(): void {
    for (const [response, reader] of this.#open) {
      const events = this.#eventsSince(reader.since)
      reader.since = events.last
      response.write(`id: 1:${events.last}\nevent: events\ndata: ${JSON.stringify(events)}\n\n`)
      response.write(`event: topology\ndata: ${JSON.stringify(this.topology)}\n\n`)
      this.asked++
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
