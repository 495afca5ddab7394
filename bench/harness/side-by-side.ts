/**
 * Several servers at the same moment, from the same topic, each with its part of the clients. For differences that are
 * smaller than what a busy machine does from one minute to the next: whatever it does, it does to all of them.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { RATE, refuseLosses, STREAM_CLIENTS, STREAM_SYMBOLS, type Measurement, type Timing } from './loads.ts'
import type { Peer, RunningPeer } from './peers.ts'
import { cpuSeconds } from './processes.ts'
import { type Environment, LoadGenerator, Producer, SYMBOLS } from './tools.ts'

/** Load B. @returns one measurement per peer, in their order. */
export async function measureSideBySide(peers: readonly Peer[], environment: Environment, timing: Timing): Promise<Measurement[]> {
  await Producer.createTopic(environment)
  await Producer.fill(environment, SYMBOLS)
  const running: RunningPeer[] = []
  const clients: LoadGenerator[] = []
  try {
    for (const peer of peers) running.push(await peer.start(environment))
    for (const [index, peer] of peers.entries()) {
      clients.push(
        await LoadGenerator.start(environment, {
          url: running[index]!.url,
          dialect: peer.dialect,
          clients: Math.floor(STREAM_CLIENTS / peers.length),
          symbolsPerClient: STREAM_SYMBOLS,
        }),
      )
    }
    const producer = await Producer.start(environment, RATE.B)
    try {
      await delay(timing.warmUpSeconds * 1_000)
      for (const one of clients) one.begin()
      const before = running.map(({ processes }) => cpuSeconds(processes))
      await delay(timing.seconds * 1_000)
      const cpu = running.map(({ processes }, index) => cpuSeconds(processes) - before[index]!)
      const windows = await Promise.all(clients.map((one) => one.end()))
      for (const window of windows) refuseLosses(window)
      return peers.map(({ name }, index) => {
        const window = windows[index]!
        return {
          load: 'B',
          peer: name,
          serverCpuSeconds: cpu[index]!,
          seconds: window.seconds,
          cpuMicrosPerUpdate: (cpu[index]! * 1e6) / window.updates,
          recordsPerUpdate: window.records / window.updates,
          window,
        }
      })
    } finally {
      await producer.process.stop()
    }
  } finally {
    await Promise.all([
      ...clients.map((one) => one.process.stop()),
      ...running.flatMap(({ processes }) => processes.map((one) => one.stop())),
    ])
  }
}
