/**
 * Processes that the benchmark starts: their output as lines, their CPU time and memory from /proc, and their end.
 * Whatever was started is ended by its pid, also after a failure and after Ctrl-C.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const running = new Set<Process>()
const STOP_DEADLINE_MS = 5_000
const LAST_WORDS_LINES = 8

export interface ProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where its stderr is kept. */
  readonly logDir: string
  /** Collects garbage at SIGUSR2 (default false: the signal is not sent). */
  readonly settles?: boolean
}

export class Process {
  readonly name: string
  readonly pid: number
  readonly #child: ChildProcess
  readonly #settles: boolean
  readonly #exited: Promise<unknown>
  readonly #lastWords: string[] = []
  /** Lines of stdout that nobody has taken yet, and whoever waits for the next one. */
  readonly #lines: string[] = []
  #wake: (() => void) | undefined

  constructor(name: string, options: ProcessOptions) {
    this.name = name
    const child = spawn(options.command, options.args, {
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // Its own group: Ctrl-C reaches the benchmark alone, which then ends everything in order.
      detached: true,
    })
    if (child.pid === undefined) throw new Error(`cannot start ${options.command}`)
    this.pid = child.pid
    this.#child = child
    this.#settles = options.settles ?? false
    this.#exited = once(child, 'exit').finally(() => {
      running.delete(this)
      this.#wake?.()
    })
    running.add(this)
    child.stdin.on('error', () => {})
    this.#readLines(options.logDir)
  }

  #readLines(logDir: string): void {
    mkdirSync(logDir, { recursive: true })
    const log = createWriteStream(join(logDir, `${this.name}.log`))
    createInterface({ input: this.#child.stderr! }).on('line', (line) => {
      log.write(`${line}\n`)
      if (this.#lastWords.push(line) > LAST_WORDS_LINES) this.#lastWords.shift()
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      log.write(`${line}\n`)
      this.#lines.push(line)
      this.#wake?.()
    })
  }

  /** The next line of stdout that `accept` takes; lines before it are dropped. Throws when the process ends first, or too late. */
  async line(accept: (line: string) => boolean, deadlineMs = 60_000): Promise<string> {
    const deadline = performance.now() + deadlineMs
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) if (accept(line)) return line
      const leftMs = deadline - performance.now()
      if (!running.has(this)) throw new Error(`${this.name} ended:\n${this.lastWords}`)
      if (leftMs <= 0) throw new Error(`${this.name} did not answer within ${deadlineMs} ms:\n${this.lastWords}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  write(line: string): void {
    this.#child.stdin!.write(`${line}\n`)
  }

  settle(): void {
    if (this.#settles) process.kill(this.pid, 'SIGUSR2')
  }

  get alive(): boolean {
    return running.has(this)
  }

  /** The end of its stderr. */
  get lastWords(): string {
    return this.#lastWords.join('\n')
  }

  /** SIGTERM, then SIGKILL. Idempotent. */
  async stop(): Promise<void> {
    if (!running.has(this)) return
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE_MS)
    await this.#exited
    clearTimeout(timer)
  }
}

export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((each) => each.stop()))
}

/** For the very end: nothing may outlive this process. */
export function killAll(): void {
  for (const each of running) process.kill(each.pid, 'SIGKILL')
}

/** Kernel ticks per second, as /proc counts CPU time; 100 on every Linux that Node and Go run on. */
const TICKS_PER_SECOND = 100

/** CPU seconds (user and system, all threads) that processes have used so far. */
export function cpuSeconds(processes: readonly Process[]): number {
  let ticks = 0
  for (const { pid } of processes) {
    // The name, in brackets, may hold spaces: count from behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / TICKS_PER_SECOND
}

/** CPU seconds that the whole machine has been busy. */
export function machineBusySeconds(): number {
  const fields = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0]!.trim().split(/\s+/).slice(1).map(Number)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
}

/** Resident bytes of all processes together. */
export function residentBytes(processes: readonly Process[]): number {
  let kilobytes = 0
  for (const { pid } of processes) {
    kilobytes += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0)
  }
  return kilobytes * 1024
}
