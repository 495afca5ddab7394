/** A real Kafka for tests: started here, or the one that KAFKA_BROKERS names. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  brokerArguments,
  brokerProperties,
  ensureKafkaJars,
  freePorts,
  isStartedLine,
  type KafkaFiles,
  type NodeOptions,
} from './kafka-files.ts'

export { ensureKafkaJars } from './kafka-files.ts'

/** Without a node's number, an order goes to every node. Node 1 is the controller: the others need it to change leaders. */
export interface KafkaForTests {
  /** `host:port`, as a client's bootstrap list. */
  readonly brokers: readonly string[]
  /** Holds the brokers' data; absent when KAFKA_BROKERS is used. */
  readonly dir?: string
  /** Ports to which the proxies of `proxyPorts` must lead, in that order. */
  readonly proxiedPorts?: readonly number[]
  stop(): Promise<void>
  /** SIGKILL, as a crash. Data stays. Resolves when the process is gone. */
  kill(node?: number): Promise<void>
  /** Starts what was killed again, on the same port and data. Resolves when it serves. */
  restart(node?: number): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(node?: number): void
  thaw(node?: number): void
}

export interface KafkaOptions {
  /** Starts a broker even when KAFKA_BROKERS is set: for tests that kill or freeze it. */
  readonly own?: boolean
  /** Default 1. Topics are replicated to all of them. */
  readonly nodes?: number
  /** Of the first node. Default: a free one. */
  readonly port?: number
  /** Proxies on loopback: whoever reaches the broker through one is told to come through it again. For a single node. */
  readonly proxyPorts?: readonly number[]
  /** Of every node: listeners beside the plain one, and lines of its configuration. */
  readonly secure?: NodeOptions['secure']
  readonly properties?: readonly string[]
}

const START_DEADLINE_MS = 60_000
const START_ATTEMPTS = 3

/** @throws Error when neither KAFKA_BROKERS, nor Java and Maven are there: tests are never skipped for that. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaForTests> {
  const external = process.env['KAFKA_BROKERS']
  if (external !== undefined && external !== '' && options.own !== true) return externalKafka(external.split(','))

  const files = await ensureKafkaJars()
  for (let attempt = 1; ; attempt++) {
    const kafka = await LocalKafka.prepare(files, options)
    try {
      await kafka.restart()
      return kafka
    } catch (error) {
      await kafka.stop()
      // Somebody may have taken the port since it was found free.
      if (attempt === START_ATTEMPTS || !String(error).includes('BindException') || options.port !== undefined) throw error
    }
  }
}

function externalKafka(brokers: readonly string[]): KafkaForTests {
  const refuse = (): never => {
    throw new Error('KAFKA_BROKERS names a Kafka that is not ours to kill or freeze: use startKafka({ own: true })')
  }
  return { brokers, stop: async () => {}, kill: async () => refuse(), restart: async () => refuse(), freeze: refuse, thaw: refuse }
}

class LocalKafka implements KafkaForTests {
  readonly brokers: readonly string[]
  readonly dir: string
  readonly proxiedPorts: readonly number[]
  readonly #nodes: readonly Node[]

  private constructor(dir: string, nodes: readonly Node[], proxiedPorts: readonly number[]) {
    this.dir = dir
    this.#nodes = nodes
    this.proxiedPorts = proxiedPorts
    this.brokers = nodes.map((node) => `127.0.0.1:${node.port}`)
  }

  static async prepare(files: KafkaFiles, options: KafkaOptions): Promise<LocalKafka> {
    const dir = await mkdtemp(join(tmpdir(), 'pulsewire-kafka-'))
    const count = options.nodes ?? 1
    const proxyPorts = options.proxyPorts ?? []
    const [controllerPort, ...rest] = await freePorts(1 + count + proxyPorts.length)
    const free = rest.slice(0, count)
    const proxied = proxyPorts.map((proxyPort, i) => ({ proxyPort, port: rest[count + i]! }))
    const nodes = free.map(async (freePort, index) => {
      const node = index + 1
      const port = node === 1 ? (options.port ?? freePort) : freePort
      const dataDir = join(dir, `data-${node}`)
      await cp(files.formattedDir, dataDir, { recursive: true })
      if (node > 1) await rename(dataDir, node)
      const properties = join(dir, `server-${node}.properties`)
      const more = { secure: options.secure ?? {}, properties: options.properties ?? [], proxied }
      await writeFile(properties, brokerProperties({ dataDir, port, controllerPort: controllerPort!, node, nodes: count, ...more }))
      return new Node(files, dir, properties, port)
    })
    return new LocalKafka(
      dir,
      await Promise.all(nodes),
      proxied.map(({ port }) => port),
    )
  }

  async kill(node?: number): Promise<void> {
    await Promise.all(this.#chosen(node).map((chosen) => chosen.kill()))
  }

  async restart(node?: number): Promise<void> {
    await this.kill(node)
    await Promise.all(this.#chosen(node).map((chosen) => chosen.start()))
  }

  freeze(node?: number): void {
    for (const chosen of this.#chosen(node)) chosen.signal('SIGSTOP')
  }

  thaw(node?: number): void {
    for (const chosen of this.#chosen(node)) chosen.signal('SIGCONT')
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.dir, { recursive: true, force: true })
  }

  #chosen(node: number | undefined): readonly Node[] {
    return node === undefined ? this.#nodes : this.#nodes.slice(node - 1, node)
  }
}

/** The formatted directory is node 1's: another node needs its own number and directory id. */
async function rename(dataDir: string, node: number): Promise<void> {
  const file = join(dataDir, 'meta.properties')
  const text = await readFile(file, 'utf8')
  const directoryId = randomBytes(16).toString('base64url')
  await writeFile(file, text.replace(/^node\.id=.*$/m, `node.id=${node}`).replace(/^directory\.id=.*$/m, `directory.id=${directoryId}`))
}

/** One broker process. */
class Node {
  readonly port: number
  readonly #files: KafkaFiles
  readonly #dir: string
  readonly #properties: string
  #java: ChildProcess | undefined
  #watcher: ChildProcess | undefined

  constructor(files: KafkaFiles, dir: string, properties: string, port: number) {
    this.port = port
    this.#files = files
    this.#dir = dir
    this.#properties = properties
  }

  async start(): Promise<void> {
    // Own process group: Ctrl-C in a terminal reaches the test process alone, which then decides.
    const java = spawn('java', brokerArguments(this.#files, this.#properties), {
      cwd: this.#dir,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#java = java
    this.#watcher = watch(java.pid!, this.#dir)
    await started(java)
    // From here on the broker must not keep a test process alive that forgot to stop it.
    java.unref()
    ;(java.stderr as unknown as { unref(): void }).unref()
  }

  async kill(): Promise<void> {
    const java = this.#java
    this.#java = undefined
    if (java !== undefined && java.exitCode === null && java.signalCode === null) {
      const exited = once(java, 'exit')
      java.ref()
      java.kill('SIGKILL')
      await exited
    }
    // Told that the work is done, the watcher leaves the process id alone: it may be somebody else's by now.
    this.#watcher?.stdin?.end('done\n')
    this.#watcher = undefined
  }

  signal(signal: NodeJS.Signals): void {
    this.#java?.kill(signal)
  }
}

/** Waits until the broker serves; fails with its last words. */
async function started(java: ChildProcess): Promise<void> {
  const words: string[] = []
  const lines = createInterface({ input: java.stderr! })
  await new Promise<void>((resolve, reject) => {
    const giveUp = (): void => reject(new Error(`Kafka did not start within ${START_DEADLINE_MS} ms:\n${words.join('\n')}`))
    const deadline = setTimeout(giveUp, START_DEADLINE_MS)
    java.once('error', reject)
    // 'close' comes after the last line, 'exit' may come before it.
    java.once('close', (code) => reject(new Error(`Kafka ended with ${code} while starting:\n${words.join('\n')}`)))
    lines.once('close', () => clearTimeout(deadline))
    // Lines are read to the end of the broker's life: a full pipe would stop its log threads.
    lines.on('line', (line) => {
      if (words.push(line) > 40) words.shift()
      if (!isStartedLine(line)) return
      clearTimeout(deadline)
      resolve()
    })
  })
}

/**
 * Kills the broker and removes its files when this process is gone, however it went: the watcher reads from a pipe
 * that ends with this process.
 */
function watch(pid: number, dir: string): ChildProcess {
  const script = 'read -r word; [ "$word" = done ] || { kill -9 "$0"; rm -rf "$1"; }'
  const watcher = spawn('sh', ['-c', script, String(pid), dir], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  watcher.unref()
  ;(watcher.stdin as unknown as { unref(): void }).unref()
  return watcher
}
