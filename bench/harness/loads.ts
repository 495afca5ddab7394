/** The loads, and how each is measured on one peer. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Peer, RunningPeer } from './peers.ts'
import { cpuSeconds, machineBusySeconds, residentBytes } from './processes.ts'
import { type ClientWindow, type Environment, LoadGenerator, Producer, SYMBOLS } from './tools.ts'

export const LOADS = {
  A: '500 clients × 50 of 1,000 symbols, 2,000 records/s',
  B: '500 clients × 50 of 1,000 symbols, 8,000 records/s',
  C: 'as B, with maxRate 4 where the peer can limit rates',
  D: '5,000 idle clients × 10 symbols',
  E: 'intake of JSON records from Kafka, no clients',
  F: 'one client subscribes to 1,000 symbols',
} as const

export type Load = keyof typeof LOADS

export interface Timing {
  readonly seconds: number
  readonly warmUpSeconds: number
}

/** One peer under one load. Members are absent where the load does not measure them. */
export interface Measurement {
  readonly load: Load
  readonly peer: string
  readonly serverCpuSeconds?: number
  readonly seconds?: number
  readonly cpuMicrosPerUpdate?: number
  readonly cpuMillisPerClientSecond?: number
  readonly bytesPerUpdate?: number
  /** Records that reached clients, of those that were due: 1 is all. */
  readonly deliveredShare?: number
  /** Records per update: above 1, the peer conflated. */
  readonly recordsPerUpdate?: number
  readonly residentBytes?: number
  readonly bytesPerConnection?: number
  readonly subscribeMillis?: { readonly median: number; readonly max: number }
  readonly recordsPerCpuSecond?: number
  readonly window?: ClientWindow
  /** CPU that everything else on the machine took, Kafka included, as a share of one core. */
  readonly restOfMachineCores?: number
}

export const STREAM_CLIENTS = 500
export const STREAM_SYMBOLS = 50
const IDLE_CLIENTS = 5_000
const IDLE_SYMBOLS = 10
export const RATE = { A: 2_000, B: 8_000, C: 8_000 } as const

/** How long memory is left alone before it is read: collectors and allocators return it with a delay. */
const SETTLE_MS = 3_000
const SUBSCRIBE_REPEATS = 20
const INTAKE_RECORDS = 1_000_000

/** Makes the topic, starts the peer, measures, and stops the peer again, also on failure. */
export async function measure(load: Load, peer: Peer, environment: Environment, timing: Timing): Promise<Measurement> {
  await Producer.createTopic(environment)
  // The images of all symbols exist before anybody subscribes.
  await Producer.fill(environment, SYMBOLS)
  const running = await peer.start(environment)
  try {
    switch (load) {
      case 'A':
      case 'B':
      case 'C':
        return await measureStream(load, peer, running, environment, timing)
      case 'D':
        return await measureIdle(peer, running, environment, timing)
      case 'E':
        return await measureIntake(peer, running, environment)
      case 'F':
        return await measureSubscribing(peer, running, environment)
    }
  } catch (error) {
    throw new Error([(error as Error).message, ...lastWordsOf(running)].join('\n'))
  } finally {
    await Promise.all(running.processes.map((each) => each.stop()))
  }
}

/** What the servers said last: when clients fail, the reason is there. */
function lastWordsOf({ processes }: RunningPeer): string[] {
  return processes.filter(({ lastWords }) => lastWords !== '').map(({ name, lastWords }) => `${name}: ${lastWords}`)
}

async function measureStream(
  load: 'A' | 'B' | 'C',
  peer: Peer,
  running: RunningPeer,
  environment: Environment,
  timing: Timing,
): Promise<Measurement> {
  const clients = await LoadGenerator.start(environment, {
    url: running.url,
    dialect: peer.dialect,
    clients: STREAM_CLIENTS,
    symbolsPerClient: STREAM_SYMBOLS,
    ...(load === 'C' && { maxRate: 4 }),
  })
  const producer = await Producer.start(environment, RATE[load])
  try {
    await delay(timing.warmUpSeconds * 1_000)
    producer.begin()
    clients.begin()
    const machine = machineBusySeconds()
    const own = cpuSeconds([...running.processes, clients.process, producer.process])
    const servers = cpuSeconds(running.processes)
    await delay(timing.seconds * 1_000)
    const serverCpuSeconds = cpuSeconds(running.processes) - servers
    const ownCpuSeconds = cpuSeconds([...running.processes, clients.process, producer.process]) - own
    const rest = machineBusySeconds() - machine - ownCpuSeconds
    const window = await clients.end()
    const produced = await producer.end()
    refuseLosses(window)
    const due = (produced * (STREAM_CLIENTS * STREAM_SYMBOLS)) / SYMBOLS
    return {
      load,
      peer: peer.name,
      serverCpuSeconds,
      seconds: window.seconds,
      cpuMicrosPerUpdate: (serverCpuSeconds * 1e6) / window.updates,
      cpuMillisPerClientSecond: (serverCpuSeconds * 1e3) / STREAM_CLIENTS / window.seconds,
      bytesPerUpdate: window.bytes / window.updates,
      deliveredShare: window.records / due,
      recordsPerUpdate: window.records / window.updates,
      residentBytes: residentBytes(running.processes),
      restOfMachineCores: Math.max(0, rest / window.seconds),
      window,
    }
  } finally {
    await Promise.all([producer.process.stop(), clients.process.stop()])
  }
}

async function measureIdle(peer: Peer, running: RunningPeer, environment: Environment, timing: Timing): Promise<Measurement> {
  const before = await settledBytes(running)
  const clients = await LoadGenerator.start(environment, {
    url: running.url,
    dialect: peer.dialect,
    clients: IDLE_CLIENTS,
    symbolsPerClient: IDLE_SYMBOLS,
  })
  try {
    await delay(timing.warmUpSeconds * 1_000)
    clients.begin()
    const cpu = cpuSeconds(running.processes)
    await delay(timing.seconds * 500)
    const serverCpuSeconds = cpuSeconds(running.processes) - cpu
    const window = await clients.end()
    const after = await settledBytes(running)
    refuseLosses(window)
    return {
      load: 'D',
      peer: peer.name,
      serverCpuSeconds,
      seconds: window.seconds,
      cpuMillisPerClientSecond: (serverCpuSeconds * 1e3) / IDLE_CLIENTS / window.seconds,
      residentBytes: after,
      bytesPerConnection: (after - before) / IDLE_CLIENTS,
      window,
    }
  } finally {
    await clients.process.stop()
  }
}

/**
 * Records per second on one core: a burst is written into the topic, and what the servers' CPU took to read it counts,
 * however many cores that was spread over and whatever else the machine did meanwhile.
 */
async function measureIntake(peer: Peer, running: RunningPeer, environment: Environment): Promise<Measurement> {
  await delay(SETTLE_MS)
  const before = cpuSeconds(running.processes)
  await Producer.fill(environment, INTAKE_RECORDS)
  await idle(running)
  const serverCpuSeconds = cpuSeconds(running.processes) - before
  return { load: 'E', peer: peer.name, serverCpuSeconds, recordsPerCpuSecond: INTAKE_RECORDS / serverCpuSeconds }
}

/** Resolves when the servers have used next to no CPU for a second: what was written has been read. */
async function idle(running: RunningPeer): Promise<void> {
  for (let last = cpuSeconds(running.processes), attempt = 0; attempt < 60; attempt++) {
    await delay(1_000)
    const now = cpuSeconds(running.processes)
    if (now - last < 0.05) return
    last = now
  }
  throw new Error('the servers were still busy a minute after the last record')
}

async function measureSubscribing(peer: Peer, running: RunningPeer, environment: Environment): Promise<Measurement> {
  const options = { url: running.url, dialect: peer.dialect, clients: 1, symbolsPerClient: SYMBOLS }
  const millis = (await LoadGenerator.timeSubscribing(environment, options, SUBSCRIBE_REPEATS)).toSorted((a, b) => a - b)
  return { load: 'F', peer: peer.name, subscribeMillis: { median: millis[millis.length >> 1]!, max: millis.at(-1)! } }
}

async function settledBytes(running: RunningPeer): Promise<number> {
  await delay(SETTLE_MS)
  for (const each of running.processes) each.settle()
  await delay(SETTLE_MS)
  return residentBytes(running.processes)
}

/** A peer that cuts clients off does less work; its figures would flatter it. */
export function refuseLosses(window: ClientWindow): void {
  if (window.lost > 0) throw new Error(`${window.lost} clients lost their connection: ${window.firstLoss}`)
}
