import { fork, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { serveLogOverIpc, type Log, type Logger } from '@pulsewire/server'
import type { DemoNode } from './topology.ts'

const MAIN = new URL('../main.ts', import.meta.url)
/** A node that ended by itself is started again after this. */
const RESTART_AFTER_MS = 1000
/** A node that does not end by then is killed. */
const STOP_DEADLINE_MS = 8000
/** Infos without which a warning before them would stand for ever. */
const ENDS_OF_TROUBLE: ReadonlySet<string> = new Set(['feed_live'])

/** One node of the demo as a process of its own: real signals freeze, kill and restart it. */
export class ChildNode {
  readonly node: DemoNode
  readonly #log: Log
  readonly #logger: Logger
  readonly #configFile: string
  #child: ChildProcess | null = null
  #restart: NodeJS.Timeout | undefined
  #stopping = false
  readonly #running = Promise.withResolvers<void>()

  constructor(options: { readonly node: DemoNode; readonly log: Log; readonly logger: Logger; readonly directory: string }) {
    this.node = options.node
    this.#log = options.log
    this.#logger = options.logger
    this.#configFile = join(options.directory, `${options.node.id}.yaml`)
    // JSON is YAML.
    writeFileSync(this.#configFile, JSON.stringify(options.node.config, null, 2), { mode: 0o600 })
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
    createInterface({ input: child.stderr! }).on('line', (line) => this.#said(line))
    child.once('exit', (code, signal) => this.#ended(child, code, signal))
  }

  /** From now on it is not started again when it ends. */
  retire(): void {
    this.#stopping = true
    clearTimeout(this.#restart)
  }

  /** SIGTERM, and SIGKILL when that does not help. A frozen process is thawed first, or it could not end. */
  async stop(): Promise<void> {
    this.retire()
    const child = this.#child
    if (child === null) return
    await new Promise<void>((resolve) => {
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
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
    if (this.#stopping) return
    this.#logger.warn('node_ended', `${this.node.id} ended (${signal ?? `exit code ${code}`}); it is started again`, {})
    this.#restart = setTimeout(() => this.start(), RESTART_AFTER_MS)
  }

  /** A node's own log lines are passed on when they matter: trouble, and that it is over. */
  #said(line: string): void {
    const parsed = parseLine(line)
    if (parsed === undefined) return this.#logger.warn('node_says', `${this.node.id}: ${line}`, {})
    if (parsed.code === 'process_running') this.#running.resolve()
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
