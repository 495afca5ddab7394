import { type Clock, systemClock } from '../clock.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { Service } from '../service.ts'
import type { ExitReason } from './exit-codes.ts'

export interface NamedService {
  /** For the log: `push`, `gateway`, `console`. */
  readonly name: string
  readonly service: Service
}

/** Where signals come from: `process`, or a test's own emitter. */
export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown
  off(signal: StopSignal, listener: () => void): unknown
}

export const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const
export type StopSignal = (typeof STOP_SIGNALS)[number]

export interface RunOptions {
  /** Default: this process. */
  readonly signals?: SignalSource
  /** Aborted: stop as if a signal had come. */
  readonly stop?: AbortSignal
  /** For all services together. Default 10,000. */
  readonly drainDeadlineMs?: number
  /** For all services together, after draining. Default 5,000. */
  readonly closeDeadlineMs?: number
  readonly clock?: Clock
  readonly logger?: Logger
  /** Called once all have started. */
  readonly onReady?: () => void
}

export interface RunResult {
  readonly reason: ExitReason
  /** Everything that went wrong, in the order in which it did. */
  readonly errors: readonly Error[]
}

/**
 * Starts the services in order and runs them until a signal comes or one of them ends; then drains and closes them in
 * reverse order within the deadlines. A second signal ends the wait at once. Never rejects: `errors` has all that failed.
 */
export async function runServices(services: readonly NamedService[], options: RunOptions = {}): Promise<RunResult> {
  return new Run(services, options).run()
}

type State = 'starting' | 'running' | 'draining' | 'closing' | 'closed'

class Run {
  readonly #services: readonly NamedService[]
  readonly #options: RunOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #signals: SignalSource
  readonly #errors: Error[] = []
  readonly #started: NamedService[] = []
  /** Gives up starts under way. */
  readonly #abort = new AbortController()
  readonly #stopped = Promise.withResolvers<void>()
  readonly #forced = Promise.withResolvers<'forced'>()
  #state: State = 'starting'
  #isStopping = false
  #isForced = false

  constructor(services: readonly NamedService[], options: RunOptions) {
    this.#services = services
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#signals = options.signals ?? process
  }

  async run(): Promise<RunResult> {
    const listeners = STOP_SIGNALS.map((signal) => [signal, () => this.#onSignal(signal)] as const)
    for (const [signal, listener] of listeners) this.#signals.on(signal, listener)
    const onStop = (): void => this.#stop('asked to stop')
    this.#options.stop?.addEventListener('abort', onStop, { once: true })
    if (this.#options.stop?.aborted === true) onStop()
    try {
      await this.#startAll()
      if (!this.#isStopping) this.#ready()
      await this.#stopped.promise
      await this.#drainAll()
      await this.#closeAll()
    } finally {
      for (const [signal, listener] of listeners) this.#signals.off(signal, listener)
      this.#options.stop?.removeEventListener('abort', onStop)
    }
    this.#change('closed')
    return { reason: this.#isForced ? 'forced' : this.#errors.length > 0 ? 'failure' : 'clean', errors: this.#errors }
  }

  #onSignal(signal: StopSignal): void {
    if (!this.#isStopping) return this.#stop(`${signal} received`)
    this.#logger.warn('shutdown_forced', `${signal} received again: not waiting any longer`, { state: this.#state })
    this.#force()
  }

  #stop(why: string): void {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#logger.info('shutdown_begins', why, { state: this.#state })
    this.#abort.abort()
    this.#stopped.resolve()
  }

  #force(): void {
    this.#isForced = true
    this.#forced.resolve('forced')
  }

  #fail(error: unknown, what: string): void {
    const cause = error instanceof Error ? error : new Error(String(error))
    this.#errors.push(cause)
    this.#logger.error('service_failed', `${what}: ${cause.message}`, { error: cause })
    this.#stop(what)
  }

  async #startAll(): Promise<void> {
    for (const { name, service } of this.#services) {
      if (this.#isStopping) return
      this.#started.push({ name, service })
      // Watched from before its start, so that a rejection never goes unhandled.
      service.closed.then(
        () => this.#stop(`${name} ended`),
        (error: unknown) => this.#fail(error, `${name} failed`),
      )
      await Promise.race([this.#start(name, service), this.#stopped.promise])
    }
  }

  async #start(name: string, service: Service): Promise<void> {
    try {
      await service.start(this.#abort.signal)
      this.#logger.debug('service_started', `${name} started`)
    } catch (error) {
      // Having been told to give up, a start may reject; that is no failure.
      if (!this.#isStopping) this.#fail(error, `${name} did not start`)
    }
  }

  #ready(): void {
    this.#change('running')
    this.#options.onReady?.()
  }

  async #drainAll(): Promise<void> {
    this.#change('draining')
    const deadlineMs = this.#options.drainDeadlineMs ?? 10_000
    const endsAtMs = this.#clock.nowMs() + deadlineMs
    const drain = async ({ name, service }: NamedService): Promise<void> => {
      try {
        await service.drain(Math.max(0, endsAtMs - this.#clock.nowMs()))
      } catch (error) {
        this.#fail(error, `${name} did not drain`)
      }
    }
    const outcome = await this.#within(deadlineMs, this.#inReverse(drain))
    if (outcome === 'late') this.#logger.warn('drain_deadline', `not drained after ${deadlineMs} ms: closing all the same`)
  }

  async #closeAll(): Promise<void> {
    this.#change('closing')
    const deadlineMs = this.#options.closeDeadlineMs ?? 5_000
    const open = new Set(this.#started.map(({ name }) => name))
    const close = async ({ name, service }: NamedService): Promise<void> => {
      try {
        await service.close()
      } catch (error) {
        this.#fail(error, `${name} did not close`)
      }
      open.delete(name)
    }
    const outcome = await this.#within(deadlineMs, this.#inReverse(close))
    if (outcome === 'done') return
    if (outcome === 'late') this.#fail(new Error(`not closed after ${deadlineMs} ms: ${[...open].join(', ')}`), 'shutdown deadline')
    this.#force()
  }

  async #inReverse(work: (service: NamedService) => Promise<void>): Promise<'done'> {
    for (const service of this.#started.toReversed()) await work(service)
    return 'done'
  }

  async #within(deadlineMs: number, work: Promise<'done'>): Promise<'done' | 'late' | 'forced'> {
    const late = Promise.withResolvers<'late'>()
    const timer = this.#clock.after(deadlineMs, () => late.resolve('late'))
    const outcome = await Promise.race([work, late.promise, this.#forced.promise])
    timer.cancel()
    return outcome
  }

  #change(state: State): void {
    this.#logger.info(`process_${state}`, `process is ${state}`, { from: this.#state })
    this.#state = state
  }
}
