/**
 * What observing costs: the same server twice, once with all of it that is for operators (metrics that are scraped, session
 * history in memory and in a topic, an operator secret, with which it answers traces), once without, and without the
 * histograms, which have no switch.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { anyPort } from '../../packages/cli/src/demo/ports.ts'
import type { Measurement } from './loads.ts'
import type { Peer, RunningPeer } from './peers.ts'
import type { Environment } from './tools.ts'

const [OBSERVED, BARE] = ['pulsewire-observed', 'pulsewire-bare'] as const
/** As often as deploy/prometheus scrapes. */
const SCRAPE_INTERVAL_MS = 5000
const SECRET = 'nobody asks this benchmark anything'

/** How a server differs from what a user gets by default. */
export interface Variant {
  readonly flags?: readonly string[]
  readonly more?: object
  readonly gateway?: object
}

export function observationPeers(
  start: (environment: Environment, variant: Variant) => Promise<RunningPeer>,
  peer: (name: string, dialect: string, description: string, start: Peer['start']) => Peer,
): Peer[] {
  const observed = peer(
    OBSERVED,
    'pulsewire.bin.v1',
    'one process, with scraped metrics, session history and an operator secret',
    async (environment) => {
      const secretFile = join(environment.scratchDir, 'operator-secret')
      await writeFile(secretFile, SECRET, { mode: 0o600 })
      const port = await anyPort()
      const probes = { enabled: true, listen: { host: '127.0.0.1', port } }
      const more = { operator: { secretFile }, watchdog: { probes } }
      const running = await start(environment, { more, gateway: { sessionHistory: { topic: `${environment.topic}-sessions` } } })
      scrape(`http://127.0.0.1:${port}/metrics`, running)
      return running
    },
  )
  const flags = ['--import', new URL('without-histograms.ts', import.meta.url).href]
  const bare = peer(BARE, 'pulsewire.bin.v1', 'one process, without these, and without histograms', (environment) =>
    start(environment, { flags }),
  )
  return [observed, bare].map((one) => ({ ...one, onRequest: true }))
}

/** Ends by itself with the server. */
function scrape(url: string, { processes }: RunningPeer): void {
  const timer = setInterval(() => {
    if (processes.every(({ alive }) => alive))
      void fetch(url).then(
        (response) => response.text(),
        () => {},
      )
    else clearInterval(timer)
  }, SCRAPE_INTERVAL_MS)
}

/** One line per load that was measured both ways: CPU of each round, with by without. Empty where there was none. */
export function overhead(rounds: readonly Measurement[]): string {
  const loads = [...new Set(rounds.map(({ load }) => load))]
  return loads
    .flatMap((load) => {
      const of = (name: string) => rounds.filter((each) => each.load === load && each.peer === name)
      const bare = of(BARE)
      const pairs = of(OBSERVED).flatMap((one, round) => (bare[round] === undefined ? [] : [[one, bare[round]] as const]))
      if (pairs.length === 0) return []
      const compare = (what: string, cost: (each: Measurement) => number) => {
        const ratios = pairs.map(([observed, without]) => cost(observed) / cost(without))
        return `Observing, load ${load}, ${what}: median ${percent(median(ratios))}; rounds ${ratios.map(percent).join(', ')}`
      }
      return [
        compare('CPU per update', ({ cpuMicrosPerUpdate }) => cpuMicrosPerUpdate ?? Number.NaN),
        compare('CPU per second', ({ serverCpuSeconds, seconds }) => (serverCpuSeconds ?? Number.NaN) / (seconds ?? Number.NaN)),
      ]
    })
    .join('\n')
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

function percent(ratio: number): string {
  return `${ratio < 1 ? '−' : '+'}${Math.abs((ratio - 1) * 100).toFixed(1)} %`
}
