import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'

/** What the page may ask a balancer. */
const PASSED_ON: ReadonlySet<string> = new Set(['/v1/gateways', '/v1/verdicts', '/v1/topology', '/v1/events', '/v1/stream'])
/** Of what never ends, until it begins. */
const TIMEOUT_MS = 3000

/** Asks a balancer on the page's behalf: so the page talks to its own server alone, wherever the balancer is. */
export class BalancerBeside {
  readonly #address: string
  readonly #secret: string | undefined

  /** @param secret what it wants to be shown by operators. */
  constructor(address: string, secret: string | undefined) {
    this.#address = address
    this.#secret = secret
  }

  takes(path: string): boolean {
    return PASSED_ON.has(path)
  }

  /** As it comes, at the pace of whoever reads: a page that does not is the balancer's to cut. Never throws. */
  async passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const ended = new AbortController()
    const late = setTimeout(() => ended.abort(), TIMEOUT_MS)
    response.once('close', () => ended.abort())
    try {
      const last = request.headers['last-event-id']
      const headers = {
        'x-pulsewire-operator': 'console',
        ...(this.#secret === undefined ? {} : { authorization: `Bearer ${this.#secret}` }),
        ...(typeof last === 'string' ? { 'last-event-id': last } : {}),
      }
      const { method = 'GET' } = request
      const told = await fetch(`${this.#address}${request.url}`, { method, headers, signal: ended.signal, redirect: 'error' })
      const type = told.headers.get('content-type') ?? 'application/json'
      if (type.startsWith('text/event-stream')) clearTimeout(late)
      response.writeHead(told.status, { 'content-type': type, 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
      response.flushHeaders()
      if (told.body === null) response.end()
      else await pipeline(Readable.fromWeb(told.body as ReadableStream), response)
    } catch {
      if (response.headersSent) response.destroy()
      else unreachable(response)
    } finally {
      clearTimeout(late)
    }
  }
}

function unreachable(response: ServerResponse): void {
  response.writeHead(502, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  response.end(JSON.stringify({ code: 'balancer_unreachable', message: 'the balancer does not answer' }))
}
