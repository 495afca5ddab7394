import { fork, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { serveLogOverIpc, type Log, type Logger } from '@pulsewire/server'
import type { DemoNode } from './topology.ts'

/** Compiled where this is. */
const MAIN = new URL(`../main${extname(import.meta.url)}`, import.meta.url)
/** A node that ended by itself is started again after this. */
const RESTART_AFTER_MS = 1000
/** A node that does not end by then is killed. */
export const STOP_DEADLINE_MS = 8000
/** Infos without which a warning before them would stand for ever. */
const ENDS_OF_TROUBLE: ReadonlySet<string> = new Set(['feed_live'])

/** Said by every node that may be broken, as all here may. */
const EXPECTED: ReadonlySet<string> = new Set(['faults_enabled'])

/** One node of the demo as a process of its own: real signals freeze, kill and restart it. */
export class ChildNode {
  readonly node: DemoNode
  readonly #log: Log
  readonly #logger: Logger
  readonly #configFile: string
  #child: ChildProcess | null = null
  #restart: NodeJS.Timeout | undefined
  #stopping = false
  readonly #said: (code: string, message: string) => void
  readonly #running = Promise.withResolvers<void>()
  /** Waits for it to run anew. */
  #restarted: (() => void)[] = []
  /** It is being stopped in order to be started with another configuration. */
  #isChanging = false

  constructor(options: {
    readonly node: DemoNode
    readonly log: Log
    readonly logger: Logger
    readonly directory: string
    /** Told each line of its log output. */
    readonly said: (code: string, message: string) => void
  }) {
    this.node = options.node
    this.#said = options.said
    this.#log = options.log
    this.#logger = options.logger
    this.#configFile = join(options.directory, `${options.node.id}.yaml`)
    this.#configure(options.node.config)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Resolves once it has said, for the first time, that all of it has started. */
  get running(): Promise<void> {
    return this.#running.promise
  }

  start(): void {
    const child = fork(MAIN, [this.node.role, '--config', this.#configFile], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    serveLogOverIpc(this.#log, child)
    createInterface({ input: child.stderr! }).on('line', (line) => this.#line(line))
    child.once('exit', (code, signal) => this.#ended(child, code, signal))
  }

  /** Resolves once it runs the next time: it has ended, and was started again. */
  restarted(): Promise<void> {
    return new Promise((resolve) => this.#restarted.push(resolve))
  }

  /** Ends it as an operator would, and starts it with this feed in place of the one of that name; `null`: as at first. */
  async restart(feed: ({ readonly name: string } & object) | null): Promise<void> {
    const { config } = this.node
    const { feeds = [] } = config as { readonly feeds?: readonly { readonly name: string }[] }
    this.#configure(feed === null ? config : { ...config, feeds: feeds.map((one) => (one.name === feed.name ? feed : one)) })
    const runs = this.restarted()
    this.#isChanging = true
    await this.#end()
    this.#isChanging = false
    if (this.#stopping) return
    clearTimeout(this.#restart)
    if (this.#child === null) this.start()
    await runs
  }

  /** From now on it is not started again when it ends. */
  retire(): void {
    this.#stopping = true
    clearTimeout(this.#restart)
  }

  /** SIGTERM, and SIGKILL when that does not help. A frozen process is thawed first, or it could not end. */
  async stop(): Promise<void> {
    this.retire()
    for (const resolve of this.#restarted.splice(0)) resolve()
    await this.#end()
  }

  async #end(): Promise<void> {
    const child = this.#child
    if (child === null) return
    await new Promise<void>((resolve) => {
      const kill = setTimeout(() => {
        this.#logger.warn('node_killed', `${this.node.id} has not ended ${STOP_DEADLINE_MS / 1000} s after SIGTERM: it is killed`, {})
        child.kill('SIGKILL')
      }, STOP_DEADLINE_MS)
      child.once('exit', () => {
        clearTimeout(kill)
        resolve()
      })
      child.kill('SIGTERM')
      child.kill('SIGCONT')
    })
  }

  #ended(child: ChildProcess, code: number | null, signal: string | null): void {
    if (this.#child === child) this.#child = null
    if (this.#stopping || this.#isChanging) return
    this.#said('node_ended', `${this.node.id} ended (${signal ?? `exit code ${code}`}); it is started again`)
    this.#logger.warn('node_ended', `${this.node.id} ended (${signal ?? `exit code ${code}`}); it is started again`, {})
    this.#restart = setTimeout(() => this.start(), RESTART_AFTER_MS)
  }

  /** JSON is YAML. */
  #configure(config: object): void {
    writeFileSync(this.#configFile, JSON.stringify(config, null, 2), { mode: 0o600 })
  }

  /** A node's own log lines are passed on when they matter: trouble, and that it is over. */
  #line(line: string): void {
    const parsed = parseLine(line)
    if (parsed === undefined) return this.#logger.warn('node_says', `${this.node.id}: ${line}`, {})
    this.#said(parsed.code, parsed.message)
    if (parsed.code === 'process_running') {
      this.#running.resolve()
      for (const resolve of this.#restarted.splice(0)) resolve()
    }
    if (EXPECTED.has(parsed.code)) return
    const text = `${this.node.id}: ${parsed.message}`
    if (parsed.level === 'error') this.#logger.error(parsed.code, text, {})
    else if (parsed.level === 'warn') this.#logger.warn(parsed.code, text, {})
    else if (ENDS_OF_TROUBLE.has(parsed.code)) this.#logger.info(parsed.code, text, {})
    else this.#logger.debug(parsed.code, text, {})
  }
}

function parseLine(line: string): { level: string; code: string; message: string } | undefined {
  try {
    const { level, code, msg } = JSON.parse(line) as { level?: unknown; code?: unknown; msg?: unknown }
    if (typeof msg !== 'string') return undefined
    return { level: String(level), code: String(code), message: msg }
  } catch {
    return undefined
  }
}
