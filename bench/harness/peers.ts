/** Who is compared. A peer is started anew for every load, and its processes are all that its CPU and memory count. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Process } from './processes.ts'
import type { Environment } from './tools.ts'

export interface RunningPeer {
  readonly url: string
  readonly processes: readonly Process[]
}

export interface Peer {
  readonly name: string
  /** What the load generator is told to speak. */
  readonly dialect: string
  readonly description: string
  /** Can limit updates per second and symbol: takes part in load C. */
  readonly limitsRate: boolean
  /** Measured only when it is named. Default: whenever no peer is. */
  readonly onRequest?: boolean
  /** Resolves when the peer reads the topic's end and takes clients. */
  start(environment: Environment): Promise<RunningPeer>
}

const NODE_FLAGS = ['--expose-gc', '--import', new URL('settle-on-signal.mjs', import.meta.url).href]

/** Starts a Node program as a server process that is to be measured. */
export function nodeProcess(name: string, args: readonly string[], environment: Environment, flags: readonly string[] = []): Process {
  return new Process(name, {
    command: process.execPath,
    args: [...NODE_FLAGS, ...flags, ...args],
    env: { NODE_ENV: 'production' },
    logDir: environment.logDir,
    settles: true,
  })
}

function centrifuge(name: string, writeDelayMs: number, description: string): Peer {
  return {
    name,
    dialect: 'centrifuge',
    description,
    limitsRate: false,
    async start(environment) {
      const server = new Process(name, {
        command: environment.programs('centrifuge-peer'),
        args: ['-brokers', environment.brokers, '-topic', environment.topic, '-write-delay', `${writeDelayMs}ms`],
        logDir: environment.logDir,
        settles: true,
      })
      return { url: await readyAddress(server), processes: [server] }
    },
  }
}

const kafkajs: Peer = {
  name: 'kafkajs',
  dialect: 'plain',
  description: 'kafkajs + ws, one Node process, a send per client and update',
  limitsRate: false,
  async start(environment) {
    const main = new URL('../peers/kafkajs/main.ts', import.meta.url).pathname
    const server = nodeProcess('kafkajs', [main, environment.brokers, environment.topic], environment)
    return { url: await readyAddress(server), processes: [server] }
  },
}

const nats: Peer = {
  name: 'nats',
  dialect: 'nats',
  description: 'nats-server with WebSocket clients, and a Go bridge from Kafka',
  limitsRate: false,
  async start(environment) {
    const portsDir = join(environment.scratchDir, 'nats')
    await mkdir(portsDir, { recursive: true })
    const config = join(portsDir, 'nats.conf')
    await writeFile(
      config,
      `listen: "127.0.0.1:-1"\nports_file_dir: ${JSON.stringify(portsDir)}\nwebsocket { listen: "127.0.0.1:-1", no_tls: true }\n`,
    )
    const server = new Process('nats-server', {
      command: environment.programs('nats-server'),
      args: ['-c', config],
      logDir: environment.logDir,
    })
    const ports = await natsPorts(join(portsDir, `nats-server_${server.pid}.ports`))
    const bridge = new Process('nats-bridge', {
      command: environment.programs('nats-bridge'),
      args: ['-brokers', environment.brokers, '-topic', environment.topic, '-server', ports.nats],
      logDir: environment.logDir,
      settles: true,
    })
    await bridge.line((line) => line === 'ready')
    return { url: ports.websocket, processes: [server, bridge] }
  },
}

/** nats-server writes the ports it took into a file, and says nothing when it has: look until it is there. */
async function natsPorts(path: string): Promise<{ nats: string; websocket: string }> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      const ports = JSON.parse(await readFile(path, 'utf8')) as { nats: [string]; websocket: [string] }
      return { nats: ports.nats[0], websocket: ports.websocket[0] }
    } catch {
      await delay(50)
    }
  }
  throw new Error('nats-server did not start')
}

async function readyAddress(server: Process): Promise<string> {
  return (await server.line((line) => line.startsWith('ready '))).slice('ready '.length)
}

/** The peers that Pulsewire is compared with. `flushMs` is how long Pulsewire collects updates of a busy session. */
export function otherPeers(flushMs: number): readonly Peer[] {
  return [
    centrifuge(
      'centrifuge',
      flushMs,
      `centrifuge library + franz-go, one Go process, writes collected for ${flushMs} ms as Pulsewire does`,
    ),
    centrifuge('centrifuge-immediate', 0, 'the same, every update written at once'),
    nats,
    kafkajs,
  ]
}

/** The peer that the floors refer to. */
export const REFERENCE = 'centrifuge'
