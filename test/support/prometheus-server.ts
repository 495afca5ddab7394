/** A Prometheus of a test's own: on loopback, in a directory of its own, gone afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { anyPort } from '../../packages/cli/src/demo/ports.ts'
import { ensurePrometheus } from './prometheus.ts'

const START_DEADLINE_MS = 30_000
const STOP_DEADLINE_MS = 5000
const POLL_MS = 100

export interface Target {
  readonly health: 'up' | 'down' | 'unknown'
  readonly lastError: string
  readonly labels: Readonly<Record<string, string>>
}

export interface Alert {
  readonly state: 'pending' | 'firing'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface Vector {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

export class PrometheusServer implements AsyncDisposable {
  readonly #url: string
  readonly #directory: string
  readonly #child: ChildProcess
  #output = ''

  private constructor(port: number, directory: string) {
    this.#url = `http://127.0.0.1:${port}`
    this.#directory = directory
    this.#child = spawn(
      ensurePrometheus(),
      [
        `--config.file=${join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    this.#child.stderr!.on('data', (data: Buffer) => (this.#output += data.toString()))
    process.once('exit', this.#killNow)
  }

  /** @param files what its configuration refers to, by name beside it. @throws Error with what it says, when it does not come up. */
  static async start(config: string, files: Readonly<Record<string, string>>): Promise<PrometheusServer> {
    const directory = mkdtempSync(join(tmpdir(), 'pulsewire-prometheus-'))
    writeFileSync(join(directory, 'prometheus.yml'), config)
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
    const server = new PrometheusServer(await anyPort(), directory)
    try {
      await server.until(async () => (await fetch(`${server.#url}/-/ready`)).ok, 'Prometheus is ready', START_DEADLINE_MS)
      return server
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
  }

  async targets(): Promise<Target[]> {
    return (await this.#get<{ activeTargets: Target[] }>('targets')).activeTargets
  }

  async alerts(): Promise<Alert[]> {
    return (await this.#get<{ alerts: Alert[] }>('alerts')).alerts
  }

  /** Names of the rules that were loaded, and why one could not be evaluated. */
  async rules(): Promise<{ readonly name: string; readonly health: string; readonly lastError?: string }[]> {
    const { groups } = await this.#get<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>('rules')
    return groups.flatMap(({ rules }) => rules)
  }

  async query(expression: string): Promise<Vector[]> {
    const { result } = await this.#get<{ result: { metric: Vector['metric']; value: [number, string] }[] }>('query', { query: expression })
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
  }

  /** Asks again until it is so. @throws Error with what Prometheus says, at the deadline. */
  async until(condition: () => Promise<boolean>, what: string, deadlineMs = START_DEADLINE_MS): Promise<void> {
    const signal = AbortSignal.timeout(deadlineMs)
    while (!(await condition().catch(() => false))) {
      if (signal.aborted || this.#child.exitCode !== null) throw new Error(`${what}: did not come\n${await this.#describe()}`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#killNow)
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit')
      const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE_MS)
      this.#child.kill('SIGTERM')
      await exited
      clearTimeout(kill)
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #describe(): Promise<string> {
    const [targets, alerts] = await Promise.all([this.targets().catch(String), this.alerts().catch(String)])
    return `${JSON.stringify({ targets, alerts }, null, 1)}\n${this.#output}`
  }

  async #get<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const answer = (await response.json()) as { status: string; error?: string; data: T }
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`)
    return answer.data
  }

  #killNow = (): void => {
    this.#child.kill('SIGKILL')
  }
}
