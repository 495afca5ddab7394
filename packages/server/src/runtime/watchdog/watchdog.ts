import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { systemClock, type Timer } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { LOOP_ROW, monotonicMs, SharedStages } from '../stages/index.ts'
import { Accountant } from './account.ts'
import { ACCOUNT_KEY } from './main-thread.ts'
import type { FromWatchdog, ProcessAccount, ThreadAnswer, ToWatchdog, WatchdogSettings, WorkerData } from './messages.ts'

/** How often the event loop shows that it turns. */
const BEAT_INTERVAL_MS = 100
/** A watchdog whose thread died is replaced after this. */
const REPLACE_AFTER_MS = 1000
/** Compiled where this is. */
const WORKER = new URL(`./worker${extname(import.meta.url)}`, import.meta.url)
/** The thread keeps next to nothing; its heap must not become a second place to look for memory. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 }

export interface WatchdogOptions {
  readonly settings: WatchdogSettings
  readonly logger: Logger
  /** A stage does not come back: end in good order, soon. */
  readonly onEnd: (reason: 'stuck' | 'blocked') => void
}

/** The main thread's side: its stages, the beats of its event loop, and the thread that watches both. */
export class Watchdog implements AsyncDisposable {
  readonly #stages: SharedStages
  readonly #options: WatchdogOptions
  readonly #accountant: Accountant
  readonly #watching = Promise.withResolvers<{ readonly probesPort: number | null }>()
  readonly #names: [number, string][] = []
  #worker: Worker
  #ready: () => boolean = () => false
  #metrics: (() => Promise<string>) | null = null
  #answers: ((question: string, args: Readonly<Record<string, string>>) => Promise<ThreadAnswer>) | null = null
  #beatTimer: Timer | null = null
  #isClosed = false
  #beatAtMs = monotonicMs()
  /** Reports written since the start, and those that could not be. */
  readonly reports = { written: 0, dropped: 0 }

  constructor(options: WatchdogOptions) {
    this.#options = options
    this.#stages = new SharedStages({
      deadlineMs: options.settings.stageDeadlineMs,
      onOpen: (row, name) => {
        this.#names.push([row, name])
        this.#tell({ kind: 'opened', row, name })
      },
    })
    this.#accountant = new Accountant(this.#stages)
    Object.defineProperty(globalThis, Symbol.for(ACCOUNT_KEY), {
      configurable: true,
      value: () => JSON.stringify(this.#accountant.account()),
    })
    this.#worker = this.#startWorker()
  }

  get stages(): SharedStages {
    return this.#stages
  }

  /** Resolves once the thread watches. @throws Error when it cannot, such as for a probes port that is taken. */
  watching(): Promise<{ readonly probesPort: number | null }> {
    return this.#watching.promise
  }

  /** What `/metrics` answers, beside what the watchdog's thread knows by itself. */
  metricsBy(metrics: () => Promise<string>): void {
    this.#metrics = metrics
  }

  /** Answers operators who ask the watchdog's own socket, while the main thread can. */
  answersBy(answers: (question: string, args: Readonly<Record<string, string>>) => Promise<ThreadAnswer>): void {
    this.#answers = answers
  }

  /** Whether the process's roles take work, asked at each beat. */
  readyWhen(ready: () => boolean): void {
    this.#ready = ready
  }

  /**
   * For a supervisor that waits to be told. The event loop is watched from `ready` on: a start that takes long, on a
   * crowded machine, is for the supervisor's own patience.
   */
  tellState(state: 'ready' | 'stopping'): void {
    if (state === 'ready' && this.#beatTimer === null) {
      this.#beatAtMs = monotonicMs()
      this.#beatTimer = systemClock.every(BEAT_INTERVAL_MS, () => this.#beat())
      // Not only in an interval: a loop that is blocked before its first beat would never be judged.
      this.#beat()
    }
    this.#tell({ kind: 'state', state })
  }

  /** What this process can say of itself now. */
  account(): ProcessAccount {
    return this.#accountant.account()
  }

  /** Where reports go, and under whose name. */
  get reportsPlace(): { readonly directory: string; readonly nodeId: string } {
    const { reports, nodeId } = this.#options.settings
    return { directory: reports.directory, nodeId }
  }

  /** Writes a report although nothing is stuck. */
  report(reason: string, message: string): void {
    this.#tell({ kind: 'report', reason, message, account: this.#accountant.account() })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#beatTimer?.cancel()
    Reflect.deleteProperty(globalThis, Symbol.for(ACCOUNT_KEY))
    await this.#worker.terminate()
  }

  #beat(): void {
    const nowMs = monotonicMs()
    this.#accountant.late(nowMs - this.#beatAtMs - BEAT_INTERVAL_MS)
    this.#beatAtMs = nowMs
    this.#stages.table.isReady = this.#ready()
    this.#stages.table.enter(LOOP_ROW, nowMs)
  }

  #startWorker(): Worker {
    const workerData: WorkerData = { table: this.#stages.table.buffer, names: this.#names, settings: this.#options.settings }
    const worker = new Worker(WORKER, { workerData, name: 'watchdog', resourceLimits: RESOURCE_LIMITS })
    worker.on('message', (message: FromWatchdog) => this.#heard(message))
    worker.on('error', (error: Error) => {
      this.#options.logger.error('watchdog_failed', `the watchdog's thread failed: ${error.message}`, { error })
      this.#watching.reject(error)
    })
    worker.on('exit', () => this.#replace(worker))
    this.#watching.promise.catch(() => {})
    return worker
  }

  /** A node without its watchdog serves on, but nobody would find it stuck. */
  #replace(worker: Worker): void {
    if (this.#isClosed || this.#worker !== worker) return
    systemClock.after(REPLACE_AFTER_MS, () => {
      if (!this.#isClosed) this.#worker = this.#startWorker()
    })
  }

  #heard(message: FromWatchdog): void {
    switch (message.kind) {
      case 'watching':
        // From now on it does not keep a process that has nothing left to do.
        this.#worker.unref()
        this.#watching.resolve({ probesPort: message.probesPort })
        return
      case 'account':
        return this.#tell({ kind: 'account', id: message.id, account: this.#accountant.account() })
      case 'metrics':
        return void this.#tellMetrics(message.id)
      case 'ask':
        return void this.#answer(message)
      case 'reported':
        this.reports[message.file === null ? 'dropped' : 'written']++
        return
      case 'end':
        return this.#options.onEnd(message.reason)
    }
  }

  async #tellMetrics(id: number): Promise<void> {
    try {
      this.#tell({ kind: 'metrics', id, text: this.#metrics === null ? null : await this.#metrics() })
    } catch (error) {
      this.#options.logger.warn('metrics_failed', `metrics cannot be read: ${(error as Error).message}`, { error })
      this.#tell({ kind: 'metrics', id, text: null })
    }
  }

  async #answer({ id, question, args }: Extract<FromWatchdog, { kind: 'ask' }>): Promise<void> {
    const none = { code: 'ask_unknown', message: 'this process answers no questions' } as const
    this.#tell({ kind: 'answered', id, ...((await this.#answers?.(question, args)) ?? none) })
  }

  #tell(message: ToWatchdog): void {
    this.#worker?.postMessage(message)
  }
}
