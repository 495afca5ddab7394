import type { FeedConfig } from '@pulsewire/server'
import { feedSection } from '../../../packages/server/src/runtime/config/sections/feeds.ts'
import type { Random } from '../world/random.ts'
import type { FleetSize } from './size.ts'

/** A feed of the scenario: its configuration, its symbols, and how lively it is. */
export interface SimFeed {
  readonly config: FeedConfig
  readonly partitions: number
  readonly symbols: readonly string[]
  /** Records per second over all symbols, on average. */
  readonly ratePerS: number
}

const KINDS = [
  { name: 'quote', mode: 'latest', codec: 'json', merge: false },
  { name: 'depth', mode: 'latest', codec: 'json', merge: true },
  { name: 'trade', mode: 'every', codec: 'json', merge: false },
  { name: 'news', mode: 'latest', codec: 'raw', merge: false },
  { name: 'order', mode: 'every', codec: 'json', merge: true },
  { name: 'fill', mode: 'every', codec: 'raw', merge: false },
] as const

const MARKETS = ['US', 'HK', 'SG'] as const

export function drawFeeds(random: Random, size: FleetSize): SimFeed[] {
  return random.sample(KINDS, random.int(1, size.feedsMax)).map((kind) => {
    const symbols = Array.from({ length: random.int(3, size.symbolsMax) }, (_, i) => `S${i}.${random.pick(MARKETS)}`)
    const history = random.chance(0.3) ? { recordsPerSymbolMax: random.int(80, 300) } : {}
    // By a clock that is hours ahead, records of the last hour are older than an hour.
    const warmup = { spanMs: 12 * 3_600_000 }
    const config = feedSection.parse({
      ...kind,
      topic: `${kind.name}-v1`,
      history,
      warmup,
      pulseIntervalMs: random.pick(size.pulseIntervalsMs),
    }) as FeedConfig
    return { config, partitions: random.int(1, size.partitionsMax), symbols, ratePerS: random.logBetween(0.5, size.ratePerSMax) }
  })
}
