/** Starts what the image starts, as its user, from files that nobody may write, with no more environment than it gives. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../support/kafka-files.ts'
import { DEPLOY, type Image } from './image.ts'

const START_MS_MAX = 60_000

export class ContainerFiles implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pulsewire-image-'))
  readonly image: Image
  readonly state: string

  /** @param modules the installed packages, as the image has them. */
  constructor(image: Image, modules: string) {
    this.image = image
    this.state = join(this.root, 'state')
    cpSync(modules, join(this.root, 'opt/pulsewire/node_modules'), { recursive: true, verbatimSymlinks: true })
    cpSync(join(DEPLOY, 'config'), join(this.root, 'etc/pulsewire'), { recursive: true })
    mkdirSync(join(this.root, 'run/secrets'), { recursive: true })
    writeFileSync(join(this.root, 'run/secrets/operator'), 'a secret of the image test')
    mkdirSync(this.state)
    setMode(this.root, 0o555)
    chmodSync(this.state, 0o755)
    if (process.getuid?.() === 0) chownSync(this.state, image.user, image.user)
  }

  /** @param args what the image is told to run. @param env over the image's own. */
  async start(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Container> {
    const [probesPort] = await freePorts(1)
    const { entrypoint } = this.image
    const all = { ...this.image.env, ...env, PULSEWIRE_WATCHDOG_PROBES_LISTEN_PORT: String(probesPort) }
    return new Container(this, [...entrypoint, ...args], all, probesPort!)
  }

  /** Paths of the image, as they are here. */
  place(text: string): string {
    return text.replace(/^\/(opt|etc|run)\//, (path) => join(this.root, path)).replace(/^\/var\/lib\/pulsewire/, this.state)
  }

  spawn(command: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const [program, ...args] = command.map((each) => this.place(each))
    const as = process.getuid?.() === 0 ? { uid: this.image.user, gid: this.image.user } : {}
    return spawn(program === 'node' ? process.execPath : program!, args, {
      ...as,
      cwd: '/',
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, this.place(value)])),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  [Symbol.dispose](): void {
    setMode(this.root, 0o755)
    rmSync(this.root, { recursive: true, force: true })
  }
}

export class Container {
  readonly probesPort: number
  readonly #files: ContainerFiles
  readonly #child: ChildProcess
  #output = ''

  constructor(files: ContainerFiles, command: readonly string[], env: Readonly<Record<string, string>>, probesPort: number) {
    this.probesPort = probesPort
    this.#files = files
    this.#child = files.spawn(command, env)
    for (const output of [this.#child.stdout!, this.#child.stderr!]) output.on('data', (chunk) => (this.#output += chunk))
  }

  get output(): string {
    return this.#output
  }

  /**
   * Asks until something listens, and answers with that status if one is given.
   * @throws Error when the process ends first, or at the deadline.
   */
  async probe(path: '/live' | '/ready', awaited?: number): Promise<{ readonly status: number; readonly text: string }> {
    const signal = AbortSignal.timeout(START_MS_MAX)
    for (;;) {
      if (this.#child.exitCode !== null || signal.aborted) throw new Error(`it did not come up:\n${this.#output}`)
      try {
        const response = await fetch(`http://127.0.0.1:${this.probesPort}${path}`, { signal })
        const text = await response.text()
        if (awaited === undefined || response.status === awaited) return { status: response.status, text }
      } catch {
        // Nothing listens yet.
      }
      await sleep(50)
    }
  }

  /** @returns the exit code of the image's own health check, run here. */
  async health(): Promise<number> {
    const command = this.#files.image.healthcheck.map((each) => each.replace(':8099', `:${this.probesPort}`))
    const [code] = (await once(this.#files.spawn(command, {}), 'exit')) as [number]
    return code
  }

  /** @returns the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode
    this.#child.kill(signal)
    const [code] = (await once(this.#child, 'exit')) as [number | null]
    return code
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
  }
}

function setMode(path: string, mode: number): void {
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true }))
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), mode)
  chmodSync(path, mode)
}
