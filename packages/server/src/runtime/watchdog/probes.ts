import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { capConnections, HTTP_TIMEOUTS } from '../http/connections.ts'
import { WATCHDOG_ASK_PATH } from './ask-server.ts'

export interface ProbesOptions {
  readonly host: string
  readonly port: number
  /** Why the process is not alive; `null` when it is. */
  readonly dead: () => string | null
  readonly unready: () => string | null
  /** The metrics of the process, in Prometheus' text format. Never throws, and ends within a second or so. */
  readonly metrics: () => Promise<string>
  /** Takes what operators ask. Absent: nobody may ask. */
  readonly asks?: (request: IncomingMessage, response: ServerResponse) => void
}

/** Supervisors, collectors of metrics and operators need a few. */
const CONNECTIONS_PER_ADDRESS_MAX = 100
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** `/live`, `/ready`, `/metrics` and questions of operators, answered by the watchdog's thread: also while the event loop of the node is blocked. */
export async function serveProbes(options: ProbesOptions): Promise<Server> {
  const server = createServer(HTTP_TIMEOUTS, (request, response) => {
    const answer = (why: string | null, well: string): void => {
      response.writeHead(why === null ? 200 : 503, { 'content-type': 'text/plain' }).end(`${why ?? well}\n`)
    }
    if (request.url === '/live') answer(options.dead(), 'live')
    else if (request.url === '/ready') answer(options.unready(), 'ready')
    else if (request.url === '/metrics')
      void options.metrics().then((text) => response.writeHead(200, { 'content-type': METRICS_TYPE }).end(text))
    else if (request.url === WATCHDOG_ASK_PATH && options.asks !== undefined) options.asks(request, response)
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n')
  })
  capConnections(server, CONNECTIONS_PER_ADDRESS_MAX)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port }, resolve)
  })
  return server
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
