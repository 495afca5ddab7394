/**
 * Apache Kafka's jars for tests and developers: fetched once by Maven into `.cache/kafka/`, with what makes a broker
 * start fast (a formatted data directory to copy, a class archive for the JVM).
 */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)
const repository = join(import.meta.dirname, '../..')
const cacheDir = join(repository, '.cache/kafka')
const pom = join(repository, 'tools/kafka/pom.xml')
const INSTALL_LINE = 'apt-get install -y openjdk-17-jre-headless maven'

export interface KafkaFiles {
  /** For `java -cp`. */
  readonly classpath: string
  /** A formatted, empty data directory: copy it. Belongs to node id 1. */
  readonly formattedDir: string
  readonly jvmArguments: readonly string[]
}

/**
 * Makes sure that Kafka can be started here, fetching it when it is not there yet (about 20 s, once). Safe to call from
 * many processes at once. @throws Error with the one line that installs Java and Maven, when they are missing.
 */
export async function ensureKafkaJars(): Promise<KafkaFiles> {
  const version = await kafkaVersion()
  const home = join(cacheDir, version)
  const files = filesIn(home)
  if (!existsSync(join(home, 'complete'))) {
    requireCommand('java', '-version')
    requireCommand('mvn', '--version')
    await mkdir(cacheDir, { recursive: true })
    await withLock(join(cacheDir, 'lock'), async () => {
      if (!existsSync(join(home, 'complete'))) await prepare(home, files)
    })
  }
  requireCommand('java', '-version')
  return files
}

/** Arguments for `java` that start a broker with this configuration file. */
export function brokerArguments(files: KafkaFiles, propertiesFile: string): string[] {
  return [
    ...files.jvmArguments,
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    `-Dorg.slf4j.simpleLogger.log.${STARTED_LOGGER}=info`,
    '-cp',
    files.classpath,
    'kafka.Kafka',
    propertiesFile,
  ]
}

const STARTED_LOGGER = 'kafka.server.KafkaRaftServer'

export function isStartedLine(line: string): boolean {
  return line.includes(STARTED_LOGGER) && line.includes('Kafka Server started')
}

export interface NodeOptions {
  readonly dataDir: string
  readonly port: number
  /** Of node 1, which is the controller. */
  readonly controllerPort: number
  /** Default 1. */
  readonly node?: number
  /** How many nodes there are: topics are replicated to all. Default 1. */
  readonly nodes?: number
  /** Further listeners, for who is to come through a proxy. */
  readonly proxied?: readonly ProxiedListener[]
  /** Listeners beside the plain one, on 127.0.0.1, by the protocol that they speak. */
  readonly secure?: Readonly<Partial<Record<'SSL' | 'SASL_SSL', number>>>
  /** Lines of the broker's configuration that are added as they are. */
  readonly properties?: readonly string[]
}

/** A listener whose clients are told to connect to a proxy, which leads here. */
export interface ProxiedListener {
  readonly port: number
  /** Where the proxy listens, on loopback. */
  readonly proxyPort: number
}

/**
 * A broker made for tests; node 1 is the controller as well. It forgets a killed predecessor within seconds (the
 * default of 9 s delays every restart and every change of leaders), and keeps no spare partitions.
 */
export function brokerProperties(options: NodeOptions): string {
  const { dataDir, port, controllerPort, node = 1, nodes = 1, proxied = [], secure = {}, properties = [] } = options
  const own = Object.entries({ PLAINTEXT: port, ...secure }).map(([protocol, listenPort]) => `${protocol}://127.0.0.1:${listenPort}`)
  const listenersOf = (portOf: (listener: ProxiedListener) => number) =>
    [...own, ...proxied.map((listener, i) => `PROXIED${i}://127.0.0.1:${portOf(listener)}`)].join(',')
  const listeners = listenersOf((listener) => listener.port)
  const protocols = [
    'PLAINTEXT:PLAINTEXT',
    'CONTROLLER:PLAINTEXT',
    'SSL:SSL',
    'SASL_SSL:SASL_SSL',
    ...proxied.map((_, i) => `PROXIED${i}:PLAINTEXT`),
  ]
  return [
    node === 1 ? 'process.roles=broker,controller' : 'process.roles=broker',
    `node.id=${node}`,
    `listeners=${listeners}${node === 1 ? `,CONTROLLER://127.0.0.1:${controllerPort}` : ''}`,
    `default.replication.factor=${nodes}`,
    `advertised.listeners=${listenersOf((listener) => listener.proxyPort)}`,
    'inter.broker.listener.name=PLAINTEXT',
    'controller.listener.names=CONTROLLER',
    `listener.security.protocol.map=${protocols.join(',')}`,
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `log.dirs=${dataDir}`,
    'auto.create.topics.enable=false',
    'broker.session.timeout.ms=1500',
    'broker.heartbeat.interval.ms=300',
    'group.initial.rebalance.delay.ms=0',
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'transaction.state.log.num.partitions=1',
    'num.network.threads=2',
    'num.io.threads=2',
    'log.cleaner.dedupe.buffer.size=4194304',
    ...properties,
  ].join('\n')
}

function filesIn(home: string): KafkaFiles {
  return {
    classpath: join(home, 'jars', '*'),
    formattedDir: join(home, 'formatted'),
    jvmArguments: [
      '-Xmx512m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      // A missing or stale archive only costs time: the JVM then goes on without.
      '-Xlog:disable',
      `-XX:SharedArchiveFile=${join(home, 'classes.jsa')}`,
    ],
  }
}

async function kafkaVersion(): Promise<string> {
  const version = /<artifactId>kafka_2.13<\/artifactId>\s*<version>([^<]+)</.exec(await readFile(pom, 'utf8'))?.[1]
  if (version === undefined) throw new Error(`no Kafka version in ${pom}`)
  return version
}

function requireCommand(command: string, argument: string): void {
  if (spawnSync(command, [argument]).error === undefined) return
  throw new Error(
    `Tests run against a real Kafka, which needs Java 17 and Maven, and \`${command}\` is not there. Install them: ` +
      `${INSTALL_LINE}   (or point KAFKA_BROKERS at a Kafka that may be filled with test topics)`,
  )
}

async function prepare(home: string, files: KafkaFiles): Promise<void> {
  await rm(home, { recursive: true, force: true })
  await mkdir(home, { recursive: true })
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(home, 'jars')}`]
  await run('mvn', ['-q', '-B', '-f', pom, ...copy])
  const properties = join(home, 'format.properties')
  await writeFile(properties, brokerProperties({ dataDir: files.formattedDir, port: 1, controllerPort: 2 }))
  // One that begins with a dash would be taken for an option, one time in 64.
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A')
  await run('java', ['-cp', files.classpath, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties])
  await archiveClasses(home, files)
  await writeFile(join(home, 'complete'), '')
}

/** Runs a broker once so that the JVM keeps its classes ready: each later start takes a second less. */
async function archiveClasses(home: string, files: KafkaFiles): Promise<void> {
  const [port, controllerPort] = await freePorts(2)
  const dataDir = join(home, 'archive-run')
  const properties = join(home, 'archive.properties')
  const archive = join(home, 'classes.jsa')
  await run('cp', ['-R', files.formattedDir, dataDir])
  await writeFile(properties, brokerProperties({ dataDir, port: port!, controllerPort: controllerPort! }))
  const javaArguments = brokerArguments(files, properties).filter((argument) => !argument.startsWith('-XX:SharedArchiveFile'))
  const java = spawn('java', [`-XX:ArchiveClassesAtExit=${archive}.part`, ...javaArguments], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(java, 'exit')
  const deadline = setTimeout(() => java.kill('SIGKILL'), 60_000)
  try {
    for await (const line of createInterface({ input: java.stderr })) if (isStartedLine(line)) java.kill('SIGTERM')
    await exited
    if (existsSync(`${archive}.part`)) await rename(`${archive}.part`, archive)
  } finally {
    clearTimeout(deadline)
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** A lock between processes: a directory that names its owner, so that a dead owner's lock is taken over. */
async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await mkdir(path)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = Number(await readFile(join(path, 'pid'), 'utf8').catch(() => ''))
      if (owner > 0 && !isAlive(owner)) await rm(path, { recursive: true, force: true })
      else await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  try {
    await writeFile(join(path, 'pid'), String(process.pid))
    await work()
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
