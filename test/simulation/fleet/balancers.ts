import { createBalancer, type Balancer, type BalancerConfig } from '@pulsewire/server'
import type { ConnectProbe } from '../../../packages/server/src/balancer/probe/connect.ts'
import type { GatewaysAnswer } from '../../../packages/server/src/balancer/http/schemas.ts'
import { loadConfig } from '../../../packages/server/src/runtime/config/index.ts'
import { connectLinks, type HopTap } from '../world/adapters.ts'
import { SimNode } from './nodes.ts'
import type { World } from './world.ts'

/** Looks at each answer before it leaves. */
export type OnAnswer = (balancer: SimBalancer, answer: GatewaysAnswer | null) => void

/** A balancer: knows gateways by their leases, proves them over the simulated network, and is asked over it. */
export class SimBalancer extends SimNode {
  readonly origin: string
  readonly #onAnswer: OnAnswer
  node: Balancer | null = null

  constructor(world: World, id: string, onAnswer: OnAnswer) {
    super(world, id)
    this.origin = `http://${id}:8080`
    this.#onAnswer = onAnswer
  }

  protected run(): void {
    const { process, origin } = this
    const { http } = this.world
    const config = {
      ...BALANCER_BASE,
      node: { ...BALANCER_BASE.node, id: this.id, zone: this.zone, advertise: [origin] },
    } as unknown as BalancerConfig
    const node = createBalancer(config, {
      directory: this.lookAround(this.openLog()).directory!,
      logger: this.logger(),
      clock: process.clock,
      random: this.random.fork().next,
      connect: this.#connect,
      serve: async ({ api }) => ({
        port: 1,
        listen: async () =>
          http.serve(origin, {
            process,
            answer: ({ searchParams }) => this.#answer(api.gateways(questionOf(searchParams))),
          }),
        close: async () => http.unserve(origin, process),
      }),
    })
    this.node = node
    this.join('balancer', node)
    void node.start()
  }

  protected async end(): Promise<void> {
    await this.node!.drain()
    await this.node!.close()
  }

  #answer(answer: GatewaysAnswer | null): { readonly status: number; readonly text: string } {
    this.#onAnswer(this, answer)
    return answer === null ? { status: 503, text: '' } : { status: 200, text: JSON.stringify(answer) }
  }

  /** Probes ask for no symbol, so there is nothing in their sessions that the monitor of a hop would look at. */
  readonly #connect: ConnectProbe = (address, events) => connectLinks(this.world.network, this.process, () => UNTAPPED)(address, events)
}

function questionOf(params: URLSearchParams): { readonly refused: boolean; readonly zone?: string } {
  const zone = params.get('zone')
  return { refused: params.get('refused') === 'true', ...(zone === null ? {} : { zone }) }
}

const UNTAPPED: HopTap = { opened() {}, sent: () => true, arriving: (data) => data, arrived() {}, closed() {} }
const BALANCER_BASE = loadConfig('balancer', {
  assignments: ['node.id=stub', 'log.kind=embedded', 'directory.enabled=true'],
})
