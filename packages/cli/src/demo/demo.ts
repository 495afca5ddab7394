import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveConsole } from '@pulsewire/console'
import { createEmbeddedLog, type EmbeddedLog, type Logger, Secret, type Service, systemClock, type TraceTarget } from '@pulsewire/server'
import type { Check } from '../doctor/check.ts'
import { examineOpened } from '../doctor/doctor.ts'
import { servePageAsks, traceOver, type TraceTold } from '../ask/page-asks.ts'
import { type Breaks, breaksOf, denial, serveBreaks, Story } from './breaks/index.ts'
import { ChildNode, STOP_DEADLINE_MS } from './child-node.ts'
import { MarketPump } from './market-pump.ts'
import { lookInto } from './onlooker.ts'
import { PortChoice } from './ports.ts'
import { DEMO_BREAKABLE, DEMO_FEEDS, DEMO_NODES, DEMO_PARTITIONS, demoNodes, type DemoPorts, gatewayUrls } from './topology.ts'

export interface DemoOptions {
  readonly logger: Logger
  /** Where the console is served. Default 8090, or a free one when that is taken. 0: any. `null`: there is none. */
  readonly consolePort?: number | null
  /** Where the built console is. Default: its package's own. */
  readonly consoleDirectory?: string
  /** Symbols of the market. Default 500. */
  readonly symbols?: number
  /** Quotes per second, on average. Default 2,000. */
  readonly ratePerSecond?: number
  /** Default: drawn. */
  readonly seed?: number
}

/** As nodes write down who asks. */
const WHO = 'page of the demo'
const PREFERRED = { pushA: 8181, pushB: 8182, gateway1: 8080, gateway2: 8081, balancer: 8070, console: 8090 } as const
/** Downstream first, so that no node reports the loss of another. */
const CLOSING_ORDER = ['balancer', 'gateway', 'push', 'pulse'] as const
/** Every node ends, or is killed, and then the log closes. */
export const DEMO_CLOSE_DEADLINE_MS = CLOSING_ORDER.length * STOP_DEADLINE_MS + 5000
/** A machine may be slow; nobody waits longer for a node that does not come. */
const START_DEADLINE_MS = 60_000
/** Of each of its nine partitions. It only has to cover what a restarted push node reads back: a minute and more. */
const RETENTION = { retentionRecordsMax: 50_000, retentionBytesMax: 16 * 1024 * 1024 } as const

async function demoPorts(): Promise<DemoPorts & { readonly console: number }> {
  await using choice = new PortChoice()
  const any = (ids: readonly string[]) => choice.take(Object.fromEntries(ids.map((id) => [id, 0])))
  return { ...(await choice.take(PREFERRED)), faults: await any(DEMO_BREAKABLE), metrics: await any(DEMO_NODES) }
}

/** The whole thing on one machine: the parent holds the log and the market, every node is a child process. */
export class Demo implements Service {
  readonly #options: DemoOptions
  readonly #log: EmbeddedLog
  readonly #pump: MarketPump
  readonly #closed = Promise.withResolvers<void>()
  readonly #directory: string
  readonly #story = new Story(() => systemClock.nowMs())
  #breaks: Breaks | null = null
  #nodes: ChildNode[] = []
  #console: { readonly url: string; close(): Promise<void> } | null = null
  #gateways: string[] = []
  #balancer = ''
  #secret = ''
  #secretFile = ''
  #closing: Promise<void> | null = null

  constructor(options: DemoOptions) {
    this.#options = options
    this.#log = createEmbeddedLog(RETENTION)
    this.#pump = new MarketPump(this.#log, options)
    this.#directory = mkdtempSync(join(tmpdir(), 'pulsewire-demo-'))
  }

  get url(): string {
    return this.#console?.url ?? ''
  }

  get gateways(): readonly string[] {
    return this.#gateways
  }

  /** Address of its HTTP API. */
  get balancer(): string {
    return this.#balancer
  }

  /** Holds the operator secret of its nodes, while it runs. */
  get secretFile(): string {
    return this.#secretFile
  }

  /** Where Prometheus is to scrape. */
  get metricsTargets(): readonly string[] {
    return this.#nodes.map(({ node }) => `127.0.0.1:${node.metricsPort}`)
  }

  /** The busiest of the market first. */
  get symbols(): readonly string[] {
    return this.#pump.busiest
  }

  /** Ways to break it; there once it was started. */
  get breaks(): Breaks {
    return this.#breaks!
  }

  /** As `pulsewire trace` asks. */
  trace(target: TraceTarget): Promise<TraceTold> {
    return traceOver(this.#gateways, new Secret(this.#secret), WHO, target)
  }

  /** As `pulsewire doctor` looks. */
  async doctor(): Promise<readonly Check[]> {
    await using open = await lookInto(this.#log)
    const configured = { checks: [], feeds: [], directory: true, log: null }
    return await examineOpened(open, { gateway: [], balancer: [this.#balancer] }, configured, {})
  }

  /** The nodes' processes, by id. */
  get nodes(): readonly ChildNode[] {
    return this.#nodes
  }

  get log(): EmbeddedLog {
    return this.#log
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  async start(signal?: AbortSignal): Promise<void> {
    for (const { topic } of DEMO_FEEDS) await this.#log.createTopic(topic, { partitions: DEMO_PARTITIONS })
    const ports = await demoPorts()
    const secret = randomBytes(24).toString('hex')
    this.#secret = secret
    this.#balancer = `http://127.0.0.1:${ports.balancer}`
    const operatorSecretFile = (this.#secretFile = join(this.#directory, 'operator-secret'))
    writeFileSync(operatorSecretFile, secret, { mode: 0o600 })
    const reportsDirectory = join(this.#directory, 'reports')
    const nodes = demoNodes(ports, { groups: this.#pump.groups, operatorSecretFile, reportsDirectory })
    this.#gateways = gatewayUrls(nodes)
    this.#nodes = nodes.map((node) => {
      const said = (code: string, message: string) => this.#story.said(node.id, code, message)
      return new ChildNode({ node, log: this.#log, logger: this.#options.logger, directory: this.#directory, said })
    })
    for (const node of this.#nodes) node.start()
    this.#breaks = breaksOf({ nodes: this.#nodes, log: this.#log, pump: this.#pump, story: this.#story })
    if (this.#options.consolePort !== null) await this.#serveConsole(this.#options.consolePort ?? ports.console, this.#breaks, secret)
    await this.#allRun(signal)
    if (this.#closing === null && signal?.aborted !== true) this.#pump.start()
  }

  async #serveConsole(port: number, breaks: Breaks, secret: string): Promise<void> {
    const { consoleDirectory: directory } = this.#options
    this.#console = await serveConsole({
      host: '127.0.0.1',
      port,
      gateways: this.#gateways,
      balancer: this.#balancer,
      breaks: serveBreaks(breaks, this.#story),
      asks: servePageAsks({ gateways: () => this.#gateways, secret: new Secret(secret), who: WHO, denial }),
      ...(directory === undefined ? {} : { directory }),
    })
  }

  /** The market opens when everybody is there: quotes before the first pulse would be stale, and a poor welcome. */
  async #allRun(signal: AbortSignal | undefined): Promise<void> {
    const { logger } = this.#options
    logger.info('demo_starting', `starting ${this.#nodes.length} nodes, each a process of its own`, {})
    const givenUp = Promise.withResolvers<void>()
    const deadline = setTimeout(() => {
      logger.warn('demo_incomplete', `not all nodes run after ${START_DEADLINE_MS / 1000} s; the market opens without them`, {})
      givenUp.resolve()
    }, START_DEADLINE_MS)
    signal?.addEventListener('abort', () => givenUp.resolve(), { once: true })
    await Promise.race([Promise.all(this.#nodes.map((node) => node.running)), givenUp.promise, this.#closed.promise])
    clearTimeout(deadline)
  }

  /** Ctrl-C in a terminal reaches the nodes as well: their end is no accident from now on. */
  async drain(): Promise<void> {
    for (const node of this.#nodes) node.retire()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#pump.close()
    await this.#breaks?.close()
    await this.#console?.close()
    for (const role of CLOSING_ORDER) {
      await Promise.all(this.#nodes.filter(({ node }) => node.role === role).map((node) => node.stop()))
    }
    await this.#log.close()
    rmSync(this.#directory, { recursive: true, force: true })
    this.#closed.resolve()
  }
}
