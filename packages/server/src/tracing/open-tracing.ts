import { DiagLogLevel, diag } from '@opentelemetry/api'
import { systemClock } from '../runtime/clock.ts'
import type { TracesConfig } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { VERSION } from '../runtime/version.ts'
import { FollowedUpdates } from './followed-updates.ts'

/** Spans are sent together, so often. */
const EXPORT_INTERVAL_MS = 1000
const EXPORT_TIMEOUT_MS = 5000
/** Spans that wait for the collector; further ones are dropped. */
const SPANS_WAITING_MAX = 4096
/** At most one line about a collector that takes nothing in this time. */
const FAILED_LOG_INTERVAL_MS = 60_000

export interface Tracing {
  readonly followed: FollowedUpdates
  /** Sends what is left when it closes. */
  readonly service: Service
}

/**
 * Traces of one process. What makes and sends spans is loaded only here: some 30 MB of memory, and nothing where no
 * collector is configured.
 * @returns `null` then.
 */
export async function openTracing(config: TracesConfig, nodeId: string, logger: Logger): Promise<Tracing | null> {
  const { endpoint, ratio, perSecondMax, receiversMax } = config
  if (endpoint === undefined) return null
  const [{ W3CTraceContextPropagator }, { OTLPTraceExporter }, { resourceFromAttributes }, { BatchSpanProcessor, TracerProvider }] =
    await Promise.all([
      import('@opentelemetry/core'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace'),
    ])
  tellFailures(logger)
  const exporter = new OTLPTraceExporter({ url: tracesUrl(endpoint), timeoutMillis: EXPORT_TIMEOUT_MS, concurrencyLimit: 2 })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'pulsewire', 'service.instance.id': nodeId, 'service.version': VERSION }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        scheduledDelayMillis: EXPORT_INTERVAL_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
        maxQueueSize: SPANS_WAITING_MAX,
      }),
    ],
  })
  const followed = new FollowedUpdates({
    tracer: provider.getTracer('pulsewire', VERSION),
    propagator: new W3CTraceContextPropagator(),
    clock: systemClock,
    random: Math.random,
    logger,
    ratio,
    perSecondMax,
    receiversMax,
  })
  logger.info('tracing', `sampled updates are traced to ${endpoint}`, { ratio, perSecondMax })
  return {
    followed,
    service: closing(async () => {
      followed.close()
      await provider.shutdown().catch((error: unknown) => logger.warn('traces_not_sent', String(error)))
    }),
  }
}

function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint)
  if (url.pathname === '/') url.pathname = '/v1/traces'
  return url.href
}

/** A collector that is away is no reason to fill the log output, nor to trouble quotes. */
function tellFailures(logger: Logger): void {
  let toldAtMs = -Infinity
  const tell = (message: string): void => {
    const nowMs = systemClock.nowMs()
    if (nowMs - toldAtMs < FAILED_LOG_INTERVAL_MS) return
    toldAtMs = nowMs
    logger.warn('traces_not_sent', message)
  }
  const silent = (): void => {}
  diag.setLogger(
    { error: tell, warn: tell, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}

function closing(end: () => Promise<void>): Service {
  const closed = Promise.withResolvers<void>()
  let ending: Promise<void> | undefined
  const close = (): Promise<void> => (ending ??= end().then(closed.resolve))
  return { start: async () => {}, drain: async () => {}, close, closed: closed.promise, [Symbol.asyncDispose]: close }
}
