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
  /** Called once, before anything is drained. */
  readonly onStopping?: () => void
}

export interface RunResult {
  readonly reason: ExitReason
  /** Everything that went wrong, in the order in which it did. */
  readonly errors: readonly Error[]
}

/**
 * Starts the services in order and runs them until a signal comes or one of them ends; then drains and closes each, in
 * reverse order, within the deadlines. A second signal (not the echo of the first) ends the wait at once. Never rejects: `errors` has all that failed.
 */
export async function runServices(services: readonly NamedService[], options: RunOptions = {}): Promise<RunResult> {
  return new Run(services, options).run()
}

/** A drain that keeps to its deadline needs a moment to say so. */
const DRAIN_GRACE_MS = 100

/** A supervisor, or npm, that passes a signal on which also went to the whole group means it once. */
const SIGNAL_ECHO_MS = 500

type State = 'starting' | 'running' | 'stopping' | 'closed'

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
  #firstSignalAtMs: number | undefined

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
      await this.#stopAll()
    } finally {
      for (const [signal, listener] of listeners) this.#signals.off(signal, listener)
      this.#options.stop?.removeEventListener('abort', onStop)
    }
    this.#change('closed')
    return { reason: this.#isForced ? 'forced' : this.#errors.length > 0 ? 'failure' : 'clean', errors: this.#errors }
  }

  #onSignal(signal: StopSignal): void {
    const nowMs = this.#clock.nowMs()
    this.#firstSignalAtMs ??= nowMs
    if (!this.#isStopping) return this.#stop(`${signal} received`)
    if (nowMs - this.#firstSignalAtMs < SIGNAL_ECHO_MS) return
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

  /** Each is closed before the one it feeds on drains: a gateway in this process must not hold up its own push node. */
  async #stopAll(): Promise<void> {
    this.#change('stopping')
    this.#options.onStopping?.()
    const left = { drainMs: this.#options.drainDeadlineMs ?? 10_000, closeMs: this.#options.closeDeadlineMs ?? 5_000 }
    for (const service of this.#started.toReversed()) {
      const startedMs = this.#clock.nowMs()
      await this.#drain(service, left.drainMs)
      const drainedMs = this.#clock.nowMs()
      left.drainMs = Math.max(0, left.drainMs - (drainedMs - startedMs))
      await this.#close(service, left.closeMs)
      left.closeMs = Math.max(0, left.closeMs - (this.#clock.nowMs() - drainedMs))
      if (this.#isForced) return
    }
  }

  async #drain({ name, service }: NamedService, deadlineMs: number): Promise<void> {
    const drain = async (): Promise<void> => {
      try {
        await service.drain(deadlineMs)
      } catch (error) {
        this.#fail(error, `${name} did not drain`)
      }
    }
    const outcome = await this.#within(deadlineMs + DRAIN_GRACE_MS, drain())
    if (outcome === 'late') this.#logger.warn('drain_deadline', `${name} is not drained at its deadline: closing it all the same`)
  }

  async #close({ name, service }: NamedService, deadlineMs: number): Promise<void> {
    const close = async (): Promise<void> => {
      try {
        await service.close()
      } catch (error) {
        this.#fail(error, `${name} did not close`)
      }
    }
    const outcome = await this.#within(deadlineMs, close())
    if (outcome === 'late') this.#fail(new Error(`${name} is not closed at its deadline`), 'shutdown deadline')
    if (outcome !== 'done') this.#force()
  }

  async #within(deadlineMs: number, work: Promise<void>): Promise<'done' | 'late' | 'forced'> {
    const done = work.then(() => 'done' as const)
    const late = Promise.withResolvers<'late'>()
    const timer = this.#clock.after(deadlineMs, () => late.resolve('late'))
    const outcome = await Promise.race([done, late.promise, this.#forced.promise])
    timer.cancel()
    return outcome
  }

  #change(state: State): void {
    this.#logger.info(`process_${state}`, `process is ${state}`, { from: this.#state })
    this.#state = state
  }
}
