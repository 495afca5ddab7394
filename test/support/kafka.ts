/** A real Kafka for tests: started here, or the one that KAFKA_BROKERS names. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { brokerArguments, brokerProperties, ensureKafkaJars, freePorts, isStartedLine, type KafkaFiles } from './kafka-files.ts'

export { ensureKafkaJars } from './kafka-files.ts'

export interface KafkaForTests {
  /** `host:port`, as a client's bootstrap list. */
  readonly brokers: readonly string[]
  stop(): Promise<void>
  /** SIGKILL, as a crash. Data stays. Resolves when the process is gone. */
  kill(): Promise<void>
  /** Starts a killed broker again, on the same port and data. Resolves when it serves. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void
  thaw(): void
}

export interface KafkaOptions {
  /** Starts a broker even when KAFKA_BROKERS is set: for tests that kill or freeze it. */
  readonly own?: boolean
  /** Default: a free one. */
  readonly port?: number
}

const START_DEADLINE_MS = 60_000
const START_ATTEMPTS = 3

/** @throws Error when neither KAFKA_BROKERS, nor Java and Maven are there: tests are never skipped for that. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaForTests> {
  const external = process.env['KAFKA_BROKERS']
  if (external !== undefined && external !== '' && options.own !== true) return externalKafka(external.split(','))

  const files = await ensureKafkaJars()
  for (let attempt = 1; ; attempt++) {
    const broker = await Broker.prepare(files, options.port)
    try {
      await broker.start()
      return broker
    } catch (error) {
      await broker.stop()
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

class Broker implements KafkaForTests {
  readonly brokers: readonly string[]
  readonly #files: KafkaFiles
  readonly #dir: string
  #java: ChildProcess | undefined
  #watcher: ChildProcess | undefined

  private constructor(files: KafkaFiles, dir: string, port: number) {
    this.#files = files
    this.#dir = dir
    this.brokers = [`127.0.0.1:${port}`]
  }

  static async prepare(files: KafkaFiles, wantedPort: number | undefined): Promise<Broker> {
    const dir = await mkdtemp(join(tmpdir(), 'pulsewire-kafka-'))
    const free = await freePorts()
    const port = wantedPort ?? free.port
    const dataDir = join(dir, 'data')
    execFileSync('cp', ['-R', files.formattedDir, dataDir])
    await writeFile(join(dir, 'server.properties'), brokerProperties({ dataDir, port, controllerPort: free.controllerPort }))
    return new Broker(files, dir, port)
  }

  async start(): Promise<void> {
    // Own process group: Ctrl-C in a terminal reaches the test process alone, which then decides.
    const java = spawn('java', brokerArguments(this.#files, join(this.#dir, 'server.properties')), {
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

  async restart(): Promise<void> {
    await this.kill()
    await this.start()
  }

  freeze(): void {
    this.#java?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#java?.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#dir, { recursive: true, force: true })
  }
}

/** Waits until the broker serves; fails with its last words. */
async function started(java: ChildProcess): Promise<void> {
  const words: string[] = []
  const lines = createInterface({ input: java.stderr! })
  await new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`Kafka did not start within ${START_DEADLINE_MS} ms:\n${words.join('\n')}`)), START_DEADLINE_MS)
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
