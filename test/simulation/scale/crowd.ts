/** Clients: the SDK's own connector with its backoff, lists, races and rows, over sessions that carry nothing. */
import { Connector } from '../../../packages/client/src/connection/connector.ts'
import type { ConnectorHost } from '../../../packages/client/src/connection/connector-host.ts'
import type { Session } from '../../../packages/client/src/connection/session.ts'
import { PulsewireError } from '../../../packages/client/src/errors.ts'
import type { Settings } from '../../../packages/client/src/options.ts'
import type { Kernel } from '../world/kernel.ts'
import type { Random } from '../world/random.ts'
import type { ModelGateway, Park } from './park.ts'

const TRAVEL_MS = { least: 5, most: 60 }
const PULSE_INTERVAL_MS = 1000
const STALE_AFTER_MS = 2500

export interface CrowdNetwork {
  readonly kernel: Kernel
  readonly random: Random
  readonly park: Park
}

/** What the connector has to do with a session; the rest of it is not there. */
class ModelSession {
  readonly url: string
  readonly gateway: ModelGateway | undefined
  welcome: object | undefined
  welcomedAtMs = Infinity
  readonly betterAtMs = Infinity
  readonly freshness = { silentAtMs: Infinity, heardAtMs: 0, staleAfterMs: STALE_AFTER_MS, faultSinceMs: undefined, review() {} }
  isOver = false
  readonly #abandoned: () => void

  constructor(url: string, gateway: ModelGateway | undefined, abandoned: () => void) {
    this.url = url
    this.gateway = gateway
    this.#abandoned = abandoned
  }

  get node(): string {
    return this.gateway?.node ?? ''
  }

  leave(): void {
    if (!this.isOver && this.welcome !== undefined) this.gateway!.sessions--
    this.isOver = true
  }

  abandonSilent(): void {
    this.leave()
    this.#abandoned()
  }

  /** No clock here makes a step. */
  followClock(): void {}
}

/** One client. */
export class CrowdClient {
  refusals = 0
  /** Since it lost its gateway: refusals, and when it was served again. */
  servedAtMs = Infinity
  readonly #network: CrowdNetwork
  readonly #settings: Settings
  readonly #connector: Connector

  constructor(network: CrowdNetwork, settings: Settings) {
    this.#network = network
    this.#settings = settings
    this.#connector = new Connector(settings, this.#host())
  }

  get gateway(): ModelGateway | undefined {
    return (this.#connector.serving as unknown as ModelSession | null)?.gateway
  }

  connect(): void {
    this.#connector.connect()
  }

  /** Its gateway is cut off and says nothing more. The client finds out when pulses are overdue. */
  cutOff(): void {
    const session = this.#connector.serving as unknown as ModelSession | null
    if (session === null) return
    const { kernel, random } = this.#network
    const { clock } = this.#settings.environment
    this.refusals = 0
    this.servedAtMs = Infinity
    const { freshness } = session
    freshness.heardAtMs = clock.nowMs() - random.between(0, PULSE_INTERVAL_MS)
    freshness.silentAtMs = freshness.heardAtMs + STALE_AFTER_MS
    for (const atMs of [freshness.silentAtMs, freshness.heardAtMs + 4 * STALE_AFTER_MS])
      kernel.after(atMs + 1 - clock.nowMs(), () => this.#connector.check())
  }

  #host(): ConnectorHost {
    return {
      open: (url) => this.#open(url),
      attach() {},
      promote: () => void (this.servedAtMs = this.#network.kernel.nowMs),
      detach() {},
      disconnected() {},
      gaveUp() {},
      compare: () => 'same',
      suffers: () => false,
      onState() {},
      onGateways() {},
      onError() {},
    }
  }

  #open(url: string): Session {
    const { kernel, random, park } = this.#network
    const gateway = park.byUrl.get(new URL(url).origin)
    const closed = (why: string) => {
      const error = new PulsewireError('connection_lost', why, { retryable: true })
      this.#connector.onClosed(session as unknown as Session, error, 'backoff')
    }
    const session = new ModelSession(url, gateway, () => closed('silent'))
    const travelMs = () => random.between(TRAVEL_MS.least, TRAVEL_MS.most)
    kernel.after(travelMs(), () => {
      if (session.isOver || gateway?.isThere !== true) return
      const isLetIn = gateway.knock()
      if (!isLetIn) this.refusals++
      kernel.after(travelMs(), () => {
        if (session.isOver) {
          if (isLetIn) gateway.sessions--
          return
        }
        if (!isLetIn) return closed('refused')
        session.welcome = {}
        session.welcomedAtMs = this.#settings.environment.clock.nowMs()
        this.#connector.onWelcome(session as unknown as Session)
      })
    })
    kernel.after(this.#settings.connectTimeoutMs, () => {
      if (session.isOver || session.welcome !== undefined) return
      session.isOver = true
      closed('no answer')
    })
    return session as unknown as Session
  }
}
