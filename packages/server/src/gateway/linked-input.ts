import type { Asks } from '../diagnosis/index.ts'
import type { Directory } from '../directory/index.ts'
import { type Feed, Hub, type SymbolState } from '../hub/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { GatewayConfig, Secret } from '../runtime/config/index.ts'
import { ConfigError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Stages } from '../runtime/stages/index.ts'
import { VERSION } from '../runtime/version.ts'
import type { Sessions } from '../session/index.ts'
import type { LinkFact, UnlinkedFact } from '../trace/index.ts'
import type { FollowedUpdates } from '../tracing/index.ts'
import { Arbiter } from './arbiter.ts'
import type { GatewayInput, LinkCounts } from './gateway-input.ts'
import { LeasedUpstreams } from './leased-upstreams.ts'
import { connectBy, type ConnectLink } from './link-transport.ts'
import { linkFacts, unlinkedFacts } from './link-account.ts'
import type { Link } from './link.ts'
import type { LinkTraces } from './link-handler.ts'
import { Links } from './links.ts'
import { LINKS_MAX, staticUpstreams, type Upstreams } from './upstreams.ts'

export interface LinkedInputOptions {
  readonly config: GatewayConfig
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly stages: Stages
  /** How upstream nodes are reached. Default: WebSocket. */
  readonly connect?: ConnectLink
  /** By which push nodes let it in. Default: they let anybody in. */
  readonly secret?: Secret
  /** Names the push nodes when the configuration names none. */
  readonly directory?: Directory
  /** Passes questions of operators on over the links. */
  readonly asks?: Asks
  /** Follows sampled updates. Default: nobody does. */
  readonly followed?: FollowedUpdates
}

/** A hub of the gateway's own, fed by links to push nodes of both lines. */
export class LinkedInput implements GatewayInput {
  readonly hub: Hub
  readonly arbiter: Arbiter
  readonly #links: Links
  readonly #upstreams: Upstreams
  readonly #stopListening: () => void

  constructor({ config, clock, random, logger, stages, connect, secret, directory, asks, followed }: LinkedInputOptions) {
    const { symbolsMax, staleAfterMs, history, subscribeDeadlineMs, feeds, linkPulseIntervalMs } = config.gateway
    this.hub = new Hub({ nodeId: config.node.id, clock })
    const upstreams = (this.#upstreams = makeUpstreams(config, directory))
    this.arbiter = new Arbiter({
      hub: this.hub,
      logger,
      subscribeDeadlineMs,
      feeds,
      whyNoLinks: () => upstreams.whyNot(),
      feedDefaults: { symbolsMax, staleAfterMs, history },
      catalogue: {
        get isHeard() {
          return directory?.view === 'current'
        },
        of: (feed) => directory?.feeds.get(feed),
      },
    })
    const tellLog = (): void => this.hub.setLog(directory?.logId ?? null)
    const changed = (): void => {
      tellLog()
      this.arbiter.decide()
    }
    this.#stopListening = directory?.onChange(changed) ?? (() => {})
    tellLog()
    this.#links = new Links({
      upstreams,
      arbiter: this.arbiter,
      connect: connect ?? connectBy(config.inner),
      clock,
      random,
      logger,
      client: `${config.node.id}/${VERSION}`,
      pulseIntervalMs: linkPulseIntervalMs,
      dispatching: stages.open('dispatch'),
      ...(secret === undefined ? {} : { secret }),
      ...(asks === undefined ? {} : { asks }),
      ...(followed === undefined ? {} : { traces: tracesOf(this.arbiter, followed) }),
    })
  }

  /** It knows which feeds there are, so that it can answer. */
  get ready(): boolean {
    return this.hub.feeds.length > 0
  }

  get links(): readonly Link[] {
    return [...this.#links]
  }

  get counts(): LinkCounts {
    return this.arbiter.counts
  }

  get beside() {
    return null
  }

  linkFacts(feed: Feed, symbol: SymbolState | undefined, partition: number): LinkFact[] {
    return linkFacts(this.links, this.arbiter, { feed, symbol, partition, nowMs: this.hub.clock.nowMs() })
  }

  unlinkedFacts(feed: Feed): UnlinkedFact[] {
    return unlinkedFacts(this.#upstreams.unlinked, feed, this.hub.clock.nowMs())
  }

  serve(sessions: Sessions): void {
    this.hub.connect(this.arbiter, sessions)
  }

  open(): void {
    this.#links.open()
  }

  check(): void {
    this.hub.checkFreshness()
    this.arbiter.sweep()
  }

  close(): void {
    this.#stopListening()
    this.#links.close()
    this.hub.close()
  }
}

/** What links tell of sampled updates, where they are followed. */
function tracesOf(arbiter: Arbiter, followed: FollowedUpdates): LinkTraces {
  return {
    arrived(link, { ref, traceparent, tracestate }, taken) {
      const symbol = arbiter.symbolOf(link, ref)
      if (symbol === undefined) return
      const carrier = tracestate === undefined ? { traceparent } : { traceparent, tracestate }
      followed.arrived(symbol, carrier, taken, { 'pulsewire.upstream': link.node, 'pulsewire.line': link.line })
    },
  }
}

function makeUpstreams({ node, gateway }: GatewayConfig, directory: Directory | undefined): Upstreams {
  if (gateway.upstreams.length === 0 && directory !== undefined) {
    return new LeasedUpstreams({ directory, self: node.id, zone: node.zone, track: node.track })
  }
  const upstreams = staticUpstreams(gateway.upstreams)
  if (upstreams.chosen.length > LINKS_MAX) {
    const problem = `gateway.upstreams: ${upstreams.chosen.length} addresses; a gateway links to at most ${LINKS_MAX} upstream nodes`
    throw new ConfigError('config_invalid', problem, [problem])
  }
  return upstreams
}
