/** One Pulsewire node as a real process, for tests: started, watched by its log lines, signalled, and always cleaned up. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { steadyMs } from './steady.ts'

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
/** A busy machine starts half a dozen of them at once. */
const START_DEADLINE_MS = 60_000
const STOP_DEADLINE_MS = 20_000

export interface NodeLine {
  readonly level: string
  readonly code: string
  readonly msg: string
  /** Steady time of this process at which the line came. */
  readonly receivedAtMs: number
  readonly [field: string]: unknown
}

export class NodeProcess implements AsyncDisposable {
  static readonly #running = new Set<NodeProcess>()
  static {
    process.on('exit', () => {
      for (const node of NodeProcess.#running) node.#killNow()
    })
  }
  readonly role: string
  readonly lines: NodeLine[] = []
  /** Output that is no log line: a crash, mostly. */
  readonly noise: string[] = []
  readonly child: ChildProcess
  readonly #directory: string
  readonly #waiting = new Set<() => void>()

  private constructor(role: string, config: object, env: Readonly<Record<string, string>>, within: readonly string[]) {
    this.role = role
    this.#directory = mkdtempSync(join(tmpdir(), 'pulsewire-node-'))
    const file = join(this.#directory, `${role}.yaml`)
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(config))
    const [command, ...args] = [...within, process.execPath, MAIN, role, '--config', file]
    this.child = spawn(command!, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    })
    createInterface({ input: this.child.stderr! }).on('line', (line) => this.#line(line))
    this.child.once('exit', () => this.#wake())
    NodeProcess.#running.add(this)
  }

  /**
   * @param within a command that becomes the node, such as one that enters a network namespace first.
   * @throws Error with what the process said, when it does not come up.
   */
  static async start(
    role: string,
    config: object,
    env: Readonly<Record<string, string>> = {},
    within: readonly string[] = [],
  ): Promise<NodeProcess> {
    const node = new NodeProcess(role, config, env, within)
    try {
      await node.line((line) => line.code === 'listening' || line.code === 'pulsing', START_DEADLINE_MS)
      return node
    } catch (error) {
      await node.stop('SIGKILL')
      throw error
    }
  }

  get port(): number {
    return Number(this.lines.find(({ code }) => code === 'listening')?.['port'])
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  /** Waits for a log line, one that came already included. @throws Error at the deadline, or when the process ends. */
  async line(which: (line: NodeLine) => boolean, deadlineMs = START_DEADLINE_MS): Promise<NodeLine> {
    const signal = AbortSignal.timeout(deadlineMs)
    for (;;) {
      const found = this.lines.find(which)
      if (found !== undefined) return found
      const { exitCode, signalCode } = this.child
      const end = exitCode ?? signalCode
      if (end !== null) throw new Error(`${this.role} has ended with ${end}, and the line had not come\n${this.describe()}`)
      if (signal.aborted) throw new Error(`${this.role}: the line did not come\n${this.describe()}`)
      await this.#change(signal)
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** @returns the exit code; `null` when a signal ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    NodeProcess.#running.delete(this)
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit')
      const kill = setTimeout(() => this.child.kill('SIGKILL'), STOP_DEADLINE_MS)
      this.child.kill(signal)
      this.child.kill('SIGCONT')
      await exited
      clearTimeout(kill)
    }
    rmSync(this.#directory, { recursive: true, force: true })
    return this.child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
  }

  describe(): string {
    return [...this.lines.map(({ level, code, msg }) => `  ${level} ${code}: ${msg}`), ...this.noise.map((line) => `  ${line}`)].join('\n')
  }

  #killNow(): void {
    this.child.kill('SIGKILL')
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #line(line: string): void {
    try {
      this.lines.push({ ...(JSON.parse(line) as NodeLine), receivedAtMs: steadyMs() })
    } catch {
      this.noise.push(line)
    }
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }
}
