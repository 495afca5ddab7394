/** The web server of the console: the built page, and where its gateways are. Runs in Node; `page/` runs in the browser. */
import { existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import sirv from 'sirv'
import { BalancerBeside } from './balancer-beside.ts'
import { askedUnderKnownName } from './known-names.ts'

export type { BreakAnswer, BreaksAnswer, StoryAnswer, Tone } from './breaks-answer.ts'

type Answering = (request: IncomingMessage, response: ServerResponse) => void

export interface ConsoleOptions {
  /** Address to listen on. */
  readonly host: string
  /** Port to listen on; 0 takes a free one. */
  readonly port: number
  /** Names under which the page is served, in lower case, beside addresses and localhost: under others nothing is answered. Default: none. */
  readonly hosts?: readonly string[]
  /**
   * Addresses that the page connects to, best first: `ws://host:port` or `wss://…`. The page may connect nowhere else. Without
   * any, those that the balancer names.
   */
  readonly gateways: readonly string[]
  /** Address of a balancer, `http://host:port` or `https://…`: what it knows is passed on to the page, which then shows the installation too. */
  readonly balancer?: string
  /** What the balancer wants to be shown by operators. */
  readonly balancerSecret?: string
  /** The certificate that the balancer shows, PEM, as it is now. Absent: one that Node trusts, for the name in its address. */
  readonly balancerCertificate?: () => string
  /** Answers what the page asks below `/api/break`; only a demonstration has it. */
  readonly breaks?: Answering
  /**
   * Answers `/api/trace`, what each hop between a user and the log holds of a symbol, `/api/sessions`, what happened to a
   * user's, `/api/find`, who and what there is under a part of a name, `/api/holders`, who holds a symbol, and `/api/stages`,
   * how the stages of a node are.
   */
  readonly asks?: Answering
  /** The feed of the quote board. Default `quote`. */
  readonly feed?: string
  readonly log?: { info(code: string, message: string, fields?: Readonly<Record<string, unknown>>): void }
  /** Where the built page is. Default: this package's `dist/`. */
  readonly directory?: string
}

export interface ConsoleServer {
  /** Where the page is, with a slash at the end. */
  readonly url: string
  /** Stops listening and drops all connections. Idempotent. */
  close(): Promise<void>
}

/** Neither `code` nor anything else of it changes by trying again: somebody has to act. */
export class ConsoleError extends Error {
  readonly code: 'console_not_built' | 'gateway_invalid'
  readonly retryable = false
  constructor(code: ConsoleError['code'], message: string) {
    super(message)
    this.name = 'ConsoleError'
    this.code = code
  }
}

const BUILT = join(import.meta.dirname, '..', 'dist')
const YEAR_S = 31_536_000
/** Who does not come to the end of a request is cut; Node looks every 30 s unless it is told otherwise. */
const TIMEOUTS = { headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 5000, connectionsCheckingInterval: 500 }
/** Browsers of operators, each with a handful. */
const CONNECTIONS_MAX = 1000
const BREAKS = '/api/break'
const ASKED: ReadonlySet<string> = new Set(['/api/trace', '/api/sessions', '/api/find', '/api/holders', '/api/stages'])

/**
 * Serves the console.
 * @throws ConsoleError console_not_built, gateway_invalid; Node's own error when the address cannot be listened on.
 */
export async function serveConsole(options: ConsoleOptions): Promise<ConsoleServer> {
  const directory = options.directory ?? BUILT
  if (!existsSync(join(directory, 'index.html'))) {
    throw new ConsoleError('console_not_built', 'the console is not built yet: npm run build -w @pulsewire/console')
  }
  const server = createServer(TIMEOUTS, handler(directory, options))
  server.maxConnections = CONNECTIONS_MAX
  const url = await listen(server, options.host, options.port)
  options.log?.info('console_listening', `console at ${url}`, { url })
  return { url, close: () => close(server) }
}

function handler(
  directory: string,
  { gateways, hosts = [], feed = 'quote', balancer, balancerSecret, balancerCertificate, breaks, asks }: ConsoleOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  // Where a balancer names the gateways, nobody knows their origins beforehand.
  const origins = gateways.length === 0 ? ['ws:', 'wss:', 'http:', 'https:'] : gateways.flatMap(originsOf)
  const headers = new Map(Object.entries(securityHeaders(origins)))
  const config = JSON.stringify({
    gateways,
    feed,
    installation: balancer !== undefined,
    breaks: breaks !== undefined,
    asks: asks !== undefined,
  })
  const files = sirv(directory, {
    etag: true,
    // Looks at the disk for each request: a page that is built anew while this runs must not leave it with a list of files that are gone.
    dev: true,
    // Vite puts a hash of its content into the name of each asset; the page that names them must always be asked for.
    setHeaders: (response, path) => {
      response.setHeader('cache-control', path.startsWith('/assets/') ? `public, max-age=${YEAR_S}, immutable` : 'no-cache')
    },
  })
  const secret = balancerSecret === undefined ? {} : { secret: balancerSecret }
  const certificate = balancerCertificate === undefined ? {} : { certificate: balancerCertificate }
  const beside = balancer === undefined ? null : new BalancerBeside({ address: balancer, ...secret, ...certificate })
  const denial = askedUnderKnownName(hosts)
  return (request, response) => {
    response.setHeaders(headers)
    const denied = denial(request)
    if (denied !== null) return answer(response, 403, 'text/plain', `${denied}\n`)
    const path = request.url?.split('?')[0] ?? ''
    if (breaks !== undefined && (path === BREAKS || path.startsWith(`${BREAKS}/`))) return breaks(request, response)
    if (asks !== undefined && ASKED.has(path)) return asks(request, response)
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'text/plain', 'only GET and HEAD\n')
    if (path === '/api/config') return answer(response, 200, 'application/json', config)
    if (beside?.takes(path) === true) return void beside.passOn(request, response)
    files(request, response, () => answer(response, 404, 'text/plain', 'no such file\n'))
  }
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  if (status === 405) response.setHeader('allow', 'GET, HEAD')
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' })
  response.end(body)
}

/** The page runs only its own files, talks only to its gateways, and sits in nobody's frame. */
function securityHeaders(origins: readonly string[]): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${["'self'", ...new Set(origins)].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}

/** Where a gateway is reached, by WebSocket and by HTTP. Only scheme, host and port: what a policy may hold, and nothing that could end a header or start another directive. */
function originsOf(gateway: string): string[] {
  const url = URL.canParse(gateway) ? new URL(gateway) : undefined
  if (url?.protocol !== 'ws:' && url?.protocol !== 'wss:') {
    throw new ConsoleError('gateway_invalid', `a gateway's address is ws://host:port or wss://host:port, not ${JSON.stringify(gateway)}`)
  }
  const scheme = url.protocol.slice(2)
  return [`ws${scheme}//${url.host}`, `http${scheme}//${url.host}`]
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  await promise
  server.off('error', reject)
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${name}:${address.port}/`
}

function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  return promise
}
