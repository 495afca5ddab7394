/**
 * Breaks this process on request, for tests and demonstrations. Only with `faults.enabled`, only over loopback:
 *
 *     POST /v1/faults/leak?section=intake%20quote    enters an exclusive section and never leaves it
 *     POST /v1/faults/block?ms=8000                  spins, so that the event loop stands still
 *     POST /v1/faults/block-native?ms=8000           the same inside native code
 *     POST /v1/faults/stop-consuming                 readers of the log return nothing any more
 *     POST /v1/faults/break-probes                   every probe of a balancer fails
 *     POST /v1/faults/mend-probes                    and gets through again
 *     POST /v1/faults/fill?bytes=1048576             keeps so much of the heap for ever
 *     POST /v1/faults/lose-subscription?symbol=AAPL.US    forgets it in every session, and tells nobody
 */
import { pbkdf2Sync } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FaultsConfig } from '../config/index.ts'
import type { Logger } from '../logger.ts'
import type { Exclusive } from '../stages/index.ts'

export interface FaultsOptions {
  readonly listen: FaultsConfig['listen']
  readonly logger: Logger
  readonly sections: ReadonlyMap<string, Exclusive>
  readonly stopConsuming: () => void
  /** Forgets a symbol in every session of this process. @returns in how many it was. Of a process that has sessions. */
  readonly loseSubscription?: (symbol: string) => number
  /** Of a process that has a balancer. */
  readonly probes?: { break(): void; mend(): void }
}

type Order = (parameters: URLSearchParams) => string | Promise<string>

/** Iterations of a hash that take far longer than anybody waits. */
const NATIVE_ITERATIONS_MAX = 2 ** 31 - 1
const NATIVE_ITERATIONS_PER_MS = 1000

export class Faults implements AsyncDisposable {
  readonly #server: Server
  readonly #kept: unknown[] = []
  readonly #orders: Readonly<Record<string, Order>>

  private constructor(options: FaultsOptions) {
    this.#orders = {
      leak: async (parameters) => this.#leak(options.sections, parameters.get('section') ?? ''),
      block: (parameters) => later(() => faultSpins(milliseconds(parameters))),
      'block-native': (parameters) => later(() => faultHashes(milliseconds(parameters))),
      'stop-consuming': () => {
        options.stopConsuming()
        return 'readers return nothing any more'
      },
      'break-probes': () => {
        probesOf(options).break()
        return 'every probe fails'
      },
      'mend-probes': () => {
        probesOf(options).mend()
        return 'probes get through again'
      },
      'lose-subscription': (parameters) => {
        const lost = options.loseSubscription?.(parameters.get('symbol') ?? '') ?? 0
        if (lost === 0) throw new Error(`no session subscribes to ${parameters.get('symbol')}`)
        return `lost in ${lost} sessions`
      },
      fill: (parameters) => this.#fill(Number(parameters.get('bytes') ?? 0)),
    }
    this.#server = createServer((request, response) => {
      // A page in a browser names itself with every order that it sends; none has any business here.
      if (request.headers.origin !== undefined) return void response.writeHead(403).end('not for pages\n')
      void this.#order(request.method ?? '', request.url ?? '/').then(([status, text]) => {
        response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`)
      })
    })
  }

  /** @throws Error when the port is taken. */
  static async start(options: FaultsOptions): Promise<Faults> {
    const faults = new Faults(options)
    await new Promise<void>((resolve, reject) => {
      faults.#server.once('error', reject)
      faults.#server.listen(options.listen, resolve)
    })
    const { port } = faults.#server.address() as AddressInfo
    options.logger.warn('faults_enabled', `this process takes orders to break itself, on port ${port}: never in production`, { port })
    return faults
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #order(method: string, target: string): Promise<readonly [status: number, text: string]> {
    const { pathname, searchParams } = new URL(target, 'http://localhost')
    const order = this.#orders[pathname.replace(/^\/v1\/faults\//, '')]
    if (order === undefined) return [404, `no such fault; there are ${Object.keys(this.#orders).join(', ')}`]
    if (method !== 'POST') return [405, 'a fault is ordered with POST']
    try {
      return [202, await order(searchParams)]
    } catch (error) {
      return [400, (error as Error).message]
    }
  }

  async #leak(sections: ReadonlyMap<string, Exclusive>, name: string): Promise<string> {
    const section = sections.get(name)
    if (section === undefined) throw new Error(`no section "${name}"; there are ${[...sections.keys()].join(', ')}`)
    // Kept, so that nothing ever disposes of it.
    this.#kept.push(await section.enter('a fault that was ordered'))
    return `${name} is held for ever`
  }

  #fill(bytes: number): string {
    const item = (): object => ({ kept: Math.random(), more: { kept: Math.random() } })
    this.#kept.push(Array.from({ length: Math.ceil(bytes / 100) }, item))
    return `about ${bytes} bytes are kept`
  }
}

function probesOf({ probes }: FaultsOptions): NonNullable<FaultsOptions['probes']> {
  if (probes === undefined) throw new Error('this process has no balancer')
  return probes
}

/** After the answer has gone out. */
function later(run: () => void): string {
  setTimeout(run, 20)
  return 'begins now'
}

function milliseconds(parameters: URLSearchParams): number {
  const ms = Number(parameters.get('ms'))
  if (!(ms > 0 && ms <= 600_000)) throw new Error(`ms: found ${parameters.get('ms')}, expected 1 to 600000`)
  return ms
}

function faultSpins(ms: number): void {
  const untilMs = performance.now() + ms
  while (performance.now() < untilMs);
}

function faultHashes(ms: number): void {
  pbkdf2Sync('fault', 'native', Math.min(NATIVE_ITERATIONS_MAX, ms * NATIVE_ITERATIONS_PER_MS), 64, 'sha512')
}
