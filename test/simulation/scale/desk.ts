/** Balancers: the real ones, asked over a network that takes its time, and with so many answers a second as a process has. */
import {
  type Balancer,
  type BalancerConfig,
  createBalancer,
  joinDirectory,
  openDirectory,
  type EmbeddedLog,
  type Logger,
} from '@pulsewire/server'
import type { FetchText } from '../../../packages/client/src/connection/fetch-text.ts'
import { loadConfig } from '../../../packages/server/src/runtime/config/index.ts'
import type { Api, GatewaysQuestion } from '../../../packages/server/src/balancer/http/server.ts'
import type { Kernel } from '../world/kernel.ts'
import { SimProcess } from '../world/process.ts'
import type { Random } from '../world/random.ts'
import type { Park } from './park.ts'

const TRAVEL_MS = { least: 2, most: 20 }

export interface DeskOptions {
  readonly kernel: Kernel
  readonly random: Random
  readonly log: EmbeddedLog
  readonly park: Park
  readonly logger: Logger
  readonly connectionsPerSecond: number
  /** That one balancer gives, in answers to modelled clients. */
  readonly answersPerSecond: number
}

export class ModelBalancer {
  readonly origin: string
  readonly zone: string
  readonly process: SimProcess
  readonly balancer: Balancer
  readonly directory: ReturnType<typeof openDirectory>
  answers = 0
  degraded = 0
  empty = 0
  /** The longest that a question has waited for those before it. */
  queueMsMax = 0
  readonly #options: DeskOptions
  #api: Api | null = null
  #freeAtMs = 0

  constructor(id: string, zone: string, options: DeskOptions) {
    const { kernel, log, park, logger, connectionsPerSecond } = options
    this.#options = options
    this.origin = `http://${id}:8070`
    this.zone = zone
    this.process = new SimProcess(kernel, id, id, { offsetMs: 0, drift: 0 })
    const { clock } = this.process
    const assignments = ['log.kind=embedded', 'directory.enabled=true', `balancer.admission.connectionsPerSecond=${connectionsPerSecond}`]
    const config: BalancerConfig = loadConfig('balancer', { assignments: [...assignments, `node.id=${id}`, `node.zone=${zone}`] })
    const own = { config: config.directory, log: log.connect(), logger, clock }
    this.directory = openDirectory(own)
    void this.directory.start()
    this.balancer = createBalancer(config, {
      directory: this.directory,
      logger,
      clock,
      random: options.random.fork().next,
      connect: park.connectFrom(this.process),
      serve: async ({ api }) => ({ port: 1, listen: async () => void (this.#api = api), close: async () => {} }),
    })
    const node = { id, zone, track: 'stable' as const }
    const measures = { busy: () => 0, vitals: () => ({ uptimeMs: 1, loopDelayMs: 1, memoryBytes: 1 }) }
    const lease = joinDirectory({ ...own, ...measures, directory: this.directory, role: 'balancer', node, member: this.balancer })
    void lease.start()
    void this.balancer.start()
  }

  /** One after the other, as one process answers. */
  ask(url: URL, answered: (status: number, text: string) => void): void {
    const { kernel, answersPerSecond } = this.#options
    const startMs = Math.max(kernel.nowMs, this.#freeAtMs)
    this.#freeAtMs = startMs + 1000 / answersPerSecond
    this.queueMsMax = Math.max(this.queueMsMax, startMs - kernel.nowMs)
    this.process.io(this.#freeAtMs, () => {
      const zone = url.searchParams.get('zone')
      const question = { refused: url.searchParams.get('refused') === 'true', ...(zone === null ? {} : { zone }) }
      const answer = this.answer(question)
      if (answer === null) answered(503, '')
      else answered(200, JSON.stringify(answer))
    })
  }

  answer(question: GatewaysQuestion): ReturnType<Api['gateways']> {
    const answer = this.#api?.gateways(question) ?? null
    this.answers++
    if (answer === null) this.empty++
    else if (answer.degraded) this.degraded++
    return answer
  }
}

/** How clients ask them. Who is cut off says nothing. */
export function fetchOver(balancers: readonly ModelBalancer[], { kernel, random }: Pick<DeskOptions, 'kernel' | 'random'>): FetchText {
  const byOrigin = new Map(balancers.map((balancer) => [balancer.origin, balancer]))
  const travelMs = () => random.between(TRAVEL_MS.least, TRAVEL_MS.most)
  return (address, _bytesMax, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
      const url = new URL(address)
      kernel.after(travelMs(), () => {
        const balancer = byOrigin.get(url.origin)
        if (balancer?.process.state !== 'running') return
        balancer.ask(url, (status, text) => void kernel.after(travelMs(), () => resolve({ status, text })))
      })
    })
}
