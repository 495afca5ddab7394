import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { MemoryDirectory } from '../../../../../test/support/memory-directory.ts'
import { type Directory, type GreyStop, JoinedDirectory } from '../../directory/index.ts'
import { loadConfig } from '../../runtime/config/index.ts'
import { createMemoryLogger } from '../../runtime/logger.ts'
import { createBalancer } from '../index.ts'
import { MemoryGateways } from './memory-gateways.ts'

interface BalancerWorldOptions {
  /** Another one, with a log of its own. */
  readonly zone?: string
  readonly view?: Directory['view']
  /** As no configuration that is checked allows it: without what a production start demands. */
  readonly production?: boolean
}

/** A balancer over gateways in memory that pulse once a second, on a clock that is moved by hand. */
export async function startBalancer(
  nodes: readonly string[] = ['gw-1', 'gw-2'],
  set: readonly string[] = [],
  { zone, view = 'current', production = false }: BalancerWorldOptions = {},
) {
  const clock = new ManualClock()
  const directory = new MemoryDirectory(clock)
  directory.view = view
  const other = new MemoryDirectory(clock)
  other.otherZone = zone ?? null
  const gateways = new MemoryGateways(clock)
  const logger = createMemoryLogger()
  const assignments = [
    'node.id=lb-1',
    'log.kind=embedded',
    'directory.enabled=true',
    'balancer.listen.host=127.0.0.1',
    'balancer.listen.port=0',
  ]
  const loaded = loadConfig('balancer', { assignments: [...assignments, ...set] })
  const config = { ...loaded, node: { ...loaded.node, production } }
  const stops: GreyStop[] = []
  const stopGrey = async (stop: GreyStop) => void stops.push(stop)
  const known = zone === undefined ? directory : new JoinedDirectory(directory, [other], logger)
  const balancer = createBalancer(config, { stopGrey, directory: known, logger, clock, connect: gateways.connect, random: () => 0.3 })
  directory.catalogue('quote', { generation: 1, topic: 'quotes' })
  for (const node of nodes) {
    directory.beat(node)
    gateways.add(node)
  }
  await balancer.start()
  const world = {
    clock,
    directory,
    /** Of the other zone. */
    other,
    gateways,
    logger,
    balancer,
    stops,
    /** Time passes; leases that are live beat each second. */
    pass(ms: number): void {
      for (let passedMs = 0; passedMs < ms; passedMs += 500) {
        if (passedMs % 1000 === 0)
          for (const part of [directory, other]) for (const [node, { state }] of part.nodes) if (state === 'live') part.beat(node)
        clock.advance(Math.min(500, ms - passedMs))
      }
    },
    answer: (track: 'stable' | 'grey' = 'stable') => balancer.api.gateways({ track }),
    nodes: () => (balancer.api.gateways({ track: 'stable' })?.gateways ?? []).map(({ node }) => node).sort(),
    verdict: (node: string) => balancer.api.verdicts().verdicts.find((row) => row.node === node)!,
    codes: (node: string) => world.verdict(node).reasons.map(({ code }) => code),
    [Symbol.asyncDispose]: () => balancer.close(),
  }
  return world
}
