import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request as ask, type RequestOptions, type ServerResponse } from 'node:http'
import { request as askSecurely } from 'node:https'
import { pipeline } from 'node:stream/promises'
import type { ConnectionOptions, PeerCertificate } from 'node:tls'

/** What the page may ask a balancer. */
const PASSED_ON: ReadonlySet<string> = new Set(['/v1/gateways', '/v1/verdicts', '/v1/topology', '/v1/events', '/v1/stream'])
/** Of what never ends, until it begins. */
const TIMEOUT_MS = 3000

export interface BesideOptions {
  /** `http://host:port` or `https://…`. */
  readonly address: string
  /** What it wants to be shown by operators. */
  readonly secret?: string
  /** The certificate that it shows, PEM, as it is now. Absent: one that Node trusts, for the name in its address. */
  readonly certificate?: () => string
}

/** Asks a balancer on the page's behalf: so the page talks to its own server alone, wherever the balancer is. */
export class BalancerBeside {
  readonly #options: BesideOptions

  constructor(options: BesideOptions) {
    this.#options = options
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
      const told = await this.#ask(request, ended.signal)
      const type = told.headers['content-type'] ?? 'application/json'
      if (type.startsWith('text/event-stream')) clearTimeout(late)
      response.writeHead(told.statusCode!, { 'content-type': type, 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
      response.flushHeaders()
      await pipeline(told, response)
    } catch {
      if (response.headersSent) response.destroy()
      else unreachable(response)
    } finally {
      clearTimeout(late)
    }
  }

  async #ask(request: IncomingMessage, signal: AbortSignal): Promise<IncomingMessage> {
    const { address, secret, certificate } = this.#options
    const { method = 'GET' } = request
    const last = request.headers['last-event-id']
    const headers = {
      'x-pulsewire-operator': 'console',
      ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
      ...(typeof last === 'string' ? { 'last-event-id': last } : {}),
    }
    const options: RequestOptions = { method, headers, signal }
    const asked = address.startsWith('https:')
      ? askSecurely(`${address}${request.url}`, { ...options, ...(certificate === undefined ? {} : trustingOnly(certificate())) })
      : ask(`${address}${request.url}`, options)
    asked.end()
    const [told] = (await once(asked, 'response')) as [IncomingMessage]
    // No balancer sends anybody elsewhere: whoever does is none, and the page is not to follow.
    if (told.statusCode! < 300 || told.statusCode! >= 400) return told
    told.destroy()
    throw new Error('it is no balancer')
  }
}

/**
 * This very certificate, whoever signed it and whatever names are in it: a process that stands beside the balancer asks it
 * under an address that its certificate does not name.
 */
function trustingOnly(pem: string): ConnectionOptions {
  const { raw } = new X509Certificate(pem)
  const isOther = (_: string, shown: PeerCertificate) => (shown.raw.equals(raw) ? undefined : new Error('it shows another certificate'))
  return { ca: pem, allowPartialTrustChain: true, checkServerIdentity: isOther }
}

function unreachable(response: ServerResponse): void {
  response.writeHead(502, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  response.end(JSON.stringify({ code: 'balancer_unreachable', message: 'the balancer does not answer' }))
}
