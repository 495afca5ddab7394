import { once } from 'node:events'
import { NodeProcess, type NodeLine } from '../../support/node-process.ts'

export type Role = 'push' | 'gateway' | 'pulse' | 'balancer'

export interface NodePlan {
  readonly id: string
  readonly role: Role
  /** @param port where it listened before; 0 the first time. */
  readonly config: (port: number) => object
  /** A command in front, such as one that enters a network namespace. */
  readonly within?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** A node that can die and come back under the same name and address. */
export class FaultNode implements AsyncDisposable {
  readonly id: string
  readonly role: Role
  readonly #plan: NodePlan
  #process: NodeProcess | null = null
  /** Lines of processes that are over. */
  readonly #past: NodeLine[] = []
  #port = 0

  constructor(plan: NodePlan) {
    this.id = plan.id
    this.role = plan.role
    this.#plan = plan
  }

  get process(): NodeProcess {
    if (this.#process === null) throw new Error(`${this.id} is not running`)
    return this.#process
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`
  }

  /** Everything it ever said, oldest first. */
  get lines(): readonly NodeLine[] {
    return [...this.#past, ...(this.#process?.lines ?? [])]
  }

  /**
   * Resolves when it listens; a push node, when it is ready as well.
   * @param env instead of the plan's, from now until another start.
   */
  async start(env = this.#plan.env): Promise<void> {
    const { role, config, within } = this.#plan
    this.#process = await NodeProcess.start(role, config(this.#port), env, within)
    if (role !== 'pulse') this.#port = this.#process.port
    if (role === 'push') await this.#process.line(({ code }) => code === 'ready')
  }

  freeze(): void {
    this.process.signal('SIGSTOP')
  }

  thaw(): void {
    this.process.signal('SIGCONT')
  }

  /** SIGKILL. Resolves when it is gone. */
  async kill(): Promise<void> {
    const { child } = this.process
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    await this.#over('SIGKILL')
  }

  /** SIGTERM. @returns its exit code. */
  terminate(): Promise<number | null> {
    return this.#over('SIGTERM')
  }

  /** The first line of this code since then, waited for. @returns how long it took. @throws Error at the deadline. */
  async saidWithinMs(code: string | ((line: NodeLine) => boolean), sinceMs: number, deadlineMs = 20_000): Promise<number> {
    const isIt = typeof code === 'string' ? (line: NodeLine) => line.code === code : code
    const line = await this.process.line((line) => line.receivedAtMs >= sinceMs && isIt(line), deadlineMs)
    return line.receivedAtMs - sinceMs
  }

  count(code: string, sinceMs = 0): number {
    return this.lines.filter((line) => line.code === code && line.receivedAtMs >= sinceMs).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== null) await this.#over('SIGKILL')
  }

  async #over(signal: NodeJS.Signals): Promise<number | null> {
    const process = this.process
    const code = await process.stop(signal)
    this.#past.push(...process.lines)
    this.#process = null
    return code
  }
}
