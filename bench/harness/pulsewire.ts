/** Pulsewire as a peer of the benchmark, with its default settings. */
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Load } from './loads.ts'
import { nodeProcess, type Peer, REFERENCE, type RunningPeer } from './peers.ts'
import { observationPeers, type Variant } from './observation.ts'
import type { Process } from './processes.ts'
import type { Environment } from './tools.ts'

/** Pulsewire's default `gateway.session.flushIntervalMs`: how long it collects updates for a session that is not idle. */
export const FLUSH_MS = 10

/** The program to measure; another build of it can be named by BENCH_PULSEWIRE_MAIN. */
const MAIN = process.env['BENCH_PULSEWIRE_MAIN'] ?? join(import.meta.dirname, '..', '..', 'packages', 'cli', 'src', 'main.ts')
const READY_DEADLINE_MS = 30_000
/** NODE_ENV says production, for the peers' sake; tokens and TLS, which that would ask for, the peers have not either. */
const DEVELOPMENT = { production: false } as const

export const pulsewirePeers: readonly Peer[] = [
  peer('pulsewire', 'pulsewire.bin.v1', 'push node, gateway and pulse writer in one process, bin.v1', startAll),
  peer('pulsewire-split', 'pulsewire.bin.v1', 'the same three as processes of their own', startSplit),
  peer('pulsewire-json', 'pulsewire.json.v1', 'one process, json.v1', startAll),
  ...observationPeers(startAll, peer),
]

/**
 * Intake is measured on Pulsewire alone. In load C the reference sends every update, as in B: it is measured once.
 */
export function takesPart(peer: Peer, load: Load, loads: readonly Load[]): boolean {
  if (load === 'E') return peer.name === 'pulsewire'
  return load === 'C' ? peer.limitsRate || (peer.name === REFERENCE && !loads.includes('B')) : true
}

function peer(name: string, dialect: string, description: string, start: Peer['start']): Peer {
  return { name, dialect, description, limitsRate: true, start }
}

async function startAll(
  environment: Environment,
  { flags = [], more = {}, gateway: moreOfGateway = {} }: Variant = {},
): Promise<RunningPeer> {
  const { shared, gateway, push } = await settings(environment)
  const config = {
    node: { id: 'bench', ...DEVELOPMENT },
    ...shared,
    push,
    gateway: { ...gateway, ...moreOfGateway },
    console: { enabled: false },
    ...more,
  }
  const server = await program('pulsewire', ['all', '--roles', 'push,gateway,pulse'], config, environment, flags)
  return ready([server], push.listen.port, gateway.listen.port)
}

async function startSplit(environment: Environment): Promise<RunningPeer> {
  const { shared, gateway, push } = await settings(environment)
  const { log, feeds, logging } = shared
  const upstreams = [{ line: 'A', addresses: [`ws://127.0.0.1:${push.listen.port}`] }]
  const processes = [
    await program('pulsewire-push', ['push'], { node: { id: 'bench-push', ...DEVELOPMENT }, log, feeds, push, logging }, environment),
    await program('pulsewire-pulse', ['pulse'], { node: { id: 'bench-pulse', ...DEVELOPMENT }, log, feeds, logging }, environment),
    await program(
      'pulsewire-gateway',
      ['gateway'],
      { node: { id: 'bench-gateway', ...DEVELOPMENT }, gateway: { ...gateway, upstreams }, logging },
      environment,
    ),
  ]
  return ready(processes, push.listen.port, gateway.listen.port)
}

/** Only what has to be said; everything else is what a user gets by default. */
async function settings(environment: Environment) {
  const [pushPort, gatewayPort] = await freePorts()
  const shared = {
    log: { kind: 'kafka', brokers: environment.brokers.split(',') },
    feeds: [{ name: 'quote', topic: environment.topic }],
    logging: { level: 'warn' },
  }
  return { shared, push: { listen: { host: '127.0.0.1', port: pushPort } }, gateway: { listen: { host: '127.0.0.1', port: gatewayPort } } }
}

async function program(
  name: string,
  args: readonly string[],
  config: object,
  environment: Environment,
  flags: readonly string[] = [],
): Promise<Process> {
  const file = join(environment.scratchDir, `${name}.yaml`)
  // JSON is YAML too.
  await writeFile(file, JSON.stringify(config, null, 2))
  return nodeProcess(name, [MAIN, ...args, '--config', file], environment, flags)
}

/** Resolves when push node and gateway say that they are ready. */
async function ready(processes: readonly Process[], ...ports: readonly number[]): Promise<RunningPeer> {
  const deadline = performance.now() + READY_DEADLINE_MS
  for (const port of ports) {
    while (!(await isReady(port))) {
      const dead = processes.find((each) => !each.alive)
      if (dead !== undefined) throw new Error(`${dead.name} ended:\n${dead.lastWords}`)
      if (performance.now() > deadline) throw new Error(`Pulsewire was not ready within ${READY_DEADLINE_MS} ms`)
      await delay(50)
    }
  }
  return { url: `ws://127.0.0.1:${ports.at(-1)}/v1/stream`, processes }
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/ready`)).ok
  } catch {
    return false
  }
}

/** Two ports that are free now; the gateway has to be told the push node's. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()]
  const ports: number[] = []
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ports.push((server.address() as AddressInfo).port)
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports as [number, number]
}
