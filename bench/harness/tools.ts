/** The two programs around a peer: who writes the records, and who plays the clients. */
import type { GoPrograms } from './go.ts'
import { Process } from './processes.ts'

export interface Environment {
  readonly brokers: string
  readonly topic: string
  readonly programs: GoPrograms
  readonly logDir: string
  /** For configuration files of the servers; removed at the end. */
  readonly scratchDir: string
  readonly seed: number
}

export const SYMBOLS = 1_000
export const PARTITIONS = 4

export interface LatencySummary {
  readonly samples: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

/** What the load generator counted in a window. */
export interface ClientWindow {
  readonly seconds: number
  /** Updates as the peer sent them. */
  readonly updates: number
  /** Records that these updates stand for (more than `updates` where a peer conflates). */
  readonly records: number
  /** All bytes read from the sockets. */
  readonly bytes: number
  readonly messages: number
  /** How often the peer said that it cannot vouch for its data. */
  readonly stale: number
  readonly latency: LatencySummary | null
  readonly cpuSeconds: number
  readonly lost: number
  readonly firstLoss: string
}

export class Producer {
  readonly process: Process

  private constructor(process: Process) {
    this.process = process
  }

  static #spawn(environment: Environment, args: readonly string[]): Process {
    const common = [
      '-brokers',
      environment.brokers,
      '-topic',
      environment.topic,
      '-symbols',
      String(SYMBOLS),
      '-seed',
      String(environment.seed),
    ]
    return new Process('producer', { command: environment.programs('producer'), args: [...common, ...args], logDir: environment.logDir })
  }

  static async createTopic(environment: Environment): Promise<void> {
    const process = this.#spawn(environment, ['-create', String(PARTITIONS)])
    await next(process, 'created')
    await process.stop()
  }

  /** Writes each symbol once and then on, `records` in all, as fast as possible. */
  static async fill(environment: Environment, records: number): Promise<void> {
    const process = this.#spawn(environment, ['-fill', String(records)])
    await next(process, 'filled')
    await process.stop()
  }

  /** Writes at an even rate until stopped. */
  static async start(environment: Environment, recordsPerSecond: number): Promise<Producer> {
    const process = this.#spawn(environment, ['-rate', String(recordsPerSecond)])
    await next(process, 'producing')
    return new Producer(process)
  }

  begin(): void {
    this.process.write('begin')
  }

  /** Records written since `begin`. */
  async end(): Promise<number> {
    this.process.write('end')
    const { records, failed } = await next<{ records: number; failed: number }>(this.process, 'produced')
    if (failed > 0) throw new Error(`${failed} records could not be written to Kafka`)
    return records
  }
}

export interface LoadOptions {
  readonly url: string
  readonly dialect: string
  readonly clients: number
  readonly symbolsPerClient: number
  /** Updates per second and symbol at most, where the peer can. */
  readonly maxRate?: number
  readonly every?: boolean
}

export class LoadGenerator {
  readonly process: Process

  private constructor(process: Process) {
    this.process = process
  }

  static #spawn(environment: Environment, options: LoadOptions, more: readonly string[]): Process {
    const args = ['-url', options.url, '-dialect', options.dialect, '-seed', String(environment.seed), '-symbols', String(SYMBOLS)]
    args.push('-clients', String(options.clients), '-per-client', String(options.symbolsPerClient))
    if (options.maxRate !== undefined) args.push('-max-rate', String(options.maxRate))
    if (options.every === true) args.push('-every')
    return new Process('loadgen', {
      command: environment.programs('loadgen'),
      args: [...args, ...more],
      logDir: environment.logDir,
      // Its own garbage collector should cost the machine as little as possible.
      env: { GOGC: '400' },
    })
  }

  /** Resolves when all clients are connected and all their subscriptions answered. */
  static async start(environment: Environment, options: LoadOptions): Promise<LoadGenerator> {
    const process = this.#spawn(environment, options, [])
    await next(process, 'subscribed', 90_000)
    return new LoadGenerator(process)
  }

  /** Milliseconds from asking for all symbols to the last answer, for each of `repeats` connections after one another. */
  static async timeSubscribing(environment: Environment, options: LoadOptions, repeats: number): Promise<number[]> {
    const process = this.#spawn(environment, options, ['-repeats', String(repeats)])
    const { millis } = await next<{ millis: number[] }>(process, 'answered', 90_000)
    await process.stop()
    return millis
  }

  begin(): void {
    this.process.write('begin')
  }

  async end(): Promise<ClientWindow> {
    this.process.write('end')
    return next<ClientWindow>(this.process, 'measured')
  }
}

/** The next JSON line whose `event` is this one. */
async function next<T = unknown>(process: Process, event: string, deadlineMs?: number): Promise<T> {
  return JSON.parse(await process.line((line) => line.startsWith('{') && JSON.parse(line).event === event, deadlineMs)) as T
}
