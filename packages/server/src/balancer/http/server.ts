import type { Server as SecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import { jsonSchemaTransform, serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type * as z from 'zod'
import { systemClock, type Clock } from '../../runtime/clock.ts'
import { PulsewireError } from '../../runtime/errors.ts'
import { capConnections, HTTP_TIMEOUTS } from '../../runtime/http/connections.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { ListenerTls } from '../../runtime/tls.ts'
import { VERSION } from '../../runtime/version.ts'
import type { Question } from '../hand-out/hand-out.ts'
import { ApiError, BALANCER_ERROR_CODES, type BalancerErrorCode } from './errors.ts'
import type { Operators } from './operators.ts'
import {
  errorAnswer,
  gatewaysAnswer,
  gatewaysQuery,
  probeAnswer,
  verdictsAnswer,
  verdictsQuery,
  type ErrorAnswer,
  type GatewaysAnswer,
  type VerdictsAnswer,
} from './schemas.ts'
import { addStreamRoute } from './stream-route.ts'
import { EventStreams } from './streams.ts'
import { eventsAnswer, eventsQuery, topologyAnswer, type EventsAnswer, type Topology } from '../topology/index.ts'

/** What a client says of itself; the track, when it does not know, is the grey release's to say. */
export interface GatewaysQuestion extends Omit<Question, 'track'> {
  readonly track?: Question['track']
  readonly user?: string
  /** Its name and version: for whoever asks what the user was given. */
  readonly client?: string
}

/** What the HTTP side asks of the balancer. */
export interface Api {
  /** `null`: there is none to hand out. */
  gateways(question: GatewaysQuestion): GatewaysAnswer | null
  verdicts(): VerdictsAnswer
  topology(): Topology
  /** @param since number of the last event that is known already; 0: none. */
  events(since: number): EventsAnswer
  /** It knows the nodes. */
  ready(): boolean
}

/**
 * `clients`: what they need to find gateways. `everybody`: all of it, unasked, for development. Operators: all of it, to who
 * shows the secret; each look is written down.
 */
export type Audience = 'clients' | 'everybody' | { readonly operators: Operators }

export interface ApiServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Origins of web pages that may ask; `*` alone: any. */
  readonly origins: readonly string[]
  /** Whose `X-Forwarded-For` is believed. Default: nobody's. */
  readonly trustedProxies?: readonly string[]
  readonly requestsPerSecondMax: number
  /** Connections of one address at once; trusted proxies are not counted. Default: no limit. */
  readonly connectionsPerAddressMax?: number
  readonly logger: Logger
  readonly api: Api
  /** What of it is served. */
  readonly audience: Audience
  /** Default: the listener is not encrypted. */
  readonly tls?: ListenerTls
  /** What streams go by. */
  readonly clock?: Clock
}

/** Nothing here takes a body. */
const BODY_BYTES_MAX = 1024
/** Addresses whose requests are counted at once. */
const ADDRESSES_MAX = 10_000
const RETRY_AFTER_MS = 1000
const FOR_CLIENTS = '/v1/gateways, /live and /ready'
const FOR_OPERATORS = `/v1/verdicts, /v1/topology, /v1/events, /v1/stream, /v1/openapi.json, ${FOR_CLIENTS}`

/** The balancer's HTTP API. Separate from the rest, so that other roles do not load an HTTP framework. */
export class ApiServer {
  readonly #options: ApiServerOptions
  readonly #app: FastifyInstance
  readonly #streams: EventStreams

  private constructor(options: ApiServerOptions, app: FastifyInstance, streams: EventStreams) {
    this.#options = options
    this.#app = app
    this.#streams = streams
  }

  /** Everything but listening. */
  static async make(options: ApiServerOptions): Promise<ApiServer> {
    const { tls, audience, trustedProxies = [] } = options
    const { requestTimeout, keepAliveTimeout } = HTTP_TIMEOUTS
    const listener =
      tls === undefined ? { http: HTTP_TIMEOUTS } : { https: { ...HTTP_TIMEOUTS, ...tls.options, handshakeTimeout: requestTimeout } }
    const app = fastify({
      ...listener,
      trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
      // It would set its own over those of the listener.
      requestTimeout,
      keepAliveTimeout,
      bodyLimit: BODY_BYTES_MAX,
      forceCloseConnections: true,
      frameworkErrors: (_error, _request, reply) => void fail(reply, 'request_invalid', 'the URL is not valid'),
    })
    app.setValidatorCompiler(validatorCompiler)
    app.setSerializerCompiler(serializerCompiler)
    app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'))
    app.setErrorHandler((error: FastifyError | ApiError, request, reply) => onError(error, request.url, reply, options.logger))
    await addPlugins(app, options)
    app.setNotFoundHandler((request, reply) => {
      if (request.method === 'GET' || request.method === 'HEAD')
        return fail(reply, 'not_found', `nothing is at this path; there is ${audience === 'clients' ? FOR_CLIENTS : FOR_OPERATORS}`)
      return fail(
        reply.header('allow', 'GET, HEAD'),
        'method_not_allowed',
        `${request.method} is not taken; everything here is read with GET`,
      )
    })
    if (typeof audience === 'object') audience.operators.guard(app)
    addHealth(app, options.api)
    addClientRoutes(app, options.api)
    const { api, logger, clock = systemClock } = options
    const streams = new EventStreams({ api, logger, clock })
    if (audience !== 'clients') {
      addOperatorRoutes(app, api)
      addStreamRoute(app, streams)
    }
    await app.ready()
    capConnections(app.server, options.connectionsPerAddressMax ?? 0, trustedProxies)
    tls?.follow(app.server as unknown as SecureServer)
    return new ApiServer(options, app, streams)
  }

  get port(): number {
    return (this.#app.server.address() as AddressInfo).port
  }

  /** Answers one request without a socket: for tests. */
  get inject(): FastifyInstance['inject'] {
    return this.#app.inject.bind(this.#app) as FastifyInstance['inject']
  }

  /** @throws PulsewireError `listen_failed` naming the address. */
  async listen(): Promise<void> {
    const { host, port } = this.#options
    try {
      await this.#app.listen({ host, port, backlog: 4096 })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new PulsewireError('listen_failed', `cannot listen on ${host}:${port}: ${why}`, { cause })
    }
  }

  async close(): Promise<void> {
    this.#options.tls?.close()
    this.#streams.close()
    await this.#app.close()
  }
}

async function addPlugins(app: FastifyInstance, { origins, requestsPerSecondMax }: ApiServerOptions): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Pulsewire balancer',
        version: VERSION,
        description: 'Hands clients the best few gateways, and says of every node why it is or is not to be used.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
    },
    transform: jsonSchemaTransform,
  })
  await app.register(cors, {
    origin: origins.length === 0 ? false : origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD'],
    exposedHeaders: ['retry-after'],
  })
  await app.register(rateLimit, {
    max: requestsPerSecondMax,
    timeWindow: 1000,
    cache: ADDRESSES_MAX,
    errorResponseBuilder: () => new ApiError('too_many_requests', 'more requests come from this address than are answered'),
  })
}

const FAILURES = { 400: errorAnswer, 401: errorAnswer, 429: errorAnswer, 500: errorAnswer }

function addClientRoutes(app: FastifyInstance, api: Api): void {
  const typed = app.withTypeProvider<ZodTypeProvider>()
  typed.get(
    '/v1/gateways',
    {
      schema: {
        operationId: 'gateways',
        summary: 'Gateways for one client',
        querystring: gatewaysQuery,
        response: { 200: gatewaysAnswer, ...FAILURES, 503: errorAnswer },
      },
    },
    (request) => {
      const answer = api.gateways(questionOf(request.query))
      if (answer !== null) return answer
      if (!api.ready()) throw new ApiError('not_ready', 'this balancer has just started and does not know the nodes yet; ask again')
      throw new ApiError(
        'no_gateways',
        `no gateway${request.query.track === undefined ? '' : ` of track ${request.query.track}`} can be handed out; /v1/verdicts says why`,
      )
    },
  )
}

function addOperatorRoutes(app: FastifyInstance, api: Api): void {
  const typed = app.withTypeProvider<ZodTypeProvider>()
  typed.get(
    '/v1/verdicts',
    {
      schema: {
        operationId: 'verdicts',
        summary: 'Why each node is, or is not, handed out',
        querystring: verdictsQuery,
        response: { 200: verdictsAnswer, ...FAILURES },
      },
    },
    () => api.verdicts(),
  )
  typed.get(
    '/v1/topology',
    {
      schema: {
        operationId: 'topology',
        summary: 'Feeds, nodes and links, as this balancer knows them',
        querystring: verdictsQuery,
        response: { 200: topologyAnswer, ...FAILURES },
      },
    },
    () => api.topology(),
  )
  typed.get(
    '/v1/events',
    {
      schema: {
        operationId: 'events',
        summary: 'What has happened: evictions, returns, rebalances, migrations, stalls',
        querystring: eventsQuery,
        response: { 200: eventsAnswer, ...FAILURES },
      },
    },
    (request) => api.events(request.query.since),
  )
  typed.get('/v1/openapi.json', { schema: { hide: true } }, () => app.swagger())
}

function addHealth(app: FastifyInstance, api: Api): void {
  const typed = app.withTypeProvider<ZodTypeProvider>()
  const health = (summary: string) => ({
    config: { rateLimit: false as const },
    schema: { summary, response: { 200: probeAnswer, 503: probeAnswer } },
  })
  typed.get('/live', health('The process answers'), (_request, reply) => {
    void reply.type('text/plain')
    return 'live\n'
  })
  typed.get('/ready', health('It knows the nodes, and can hand out'), (_request, reply) => {
    void reply.code(api.ready() ? 200 : 503).type('text/plain')
    return api.ready() ? 'ready\n' : 'not ready\n'
  })
}

function questionOf({ zone, track, user, client, refused }: z.output<typeof gatewaysQuery>): GatewaysQuestion {
  return {
    refused: refused === 'true',
    ...(track === undefined ? {} : { track }),
    ...(user === undefined ? {} : { user }),
    ...(client === undefined ? {} : { client }),
    ...(zone === undefined ? {} : { zone }),
  }
}

function onError(error: FastifyError | ApiError, url: string, reply: FastifyReply, logger: Logger): unknown {
  if (error instanceof ApiError) return fail(reply, error.code, error.message)
  if (error.validation !== undefined) {
    const problems = error.validation.map((problem) => `${problem.instancePath.replace(/^\//, '') || 'query'}: ${problem.message}`)
    return fail(reply, 'query_invalid', `the query has ${problems.length} mistake(s): ${problems.join('; ')}`, problems)
  }
  if (error.statusCode !== undefined && error.statusCode < 500) return fail(reply, 'request_invalid', error.message)
  logger.error('request_failed', `a request could not be answered: ${error.message}`, { error, path: url.split('?', 1)[0] })
  return fail(reply, 'internal_error', 'a fault of this balancer; its log has more')
}

function fail(reply: FastifyReply, code: BalancerErrorCode, message: string, problems?: string[]): FastifyReply {
  const [status] = BALANCER_ERROR_CODES[code]
  const retries = status === 429 || status === 503
  const answer: ErrorAnswer = {
    code,
    message,
    ...(problems === undefined ? {} : { problems }),
    ...(retries ? { retryAfterMs: RETRY_AFTER_MS } : {}),
  }
  if (retries) void reply.header('retry-after', String(RETRY_AFTER_MS / 1000))
  return reply.code(status).type('application/json').serializer(JSON.stringify).send(answer)
}
