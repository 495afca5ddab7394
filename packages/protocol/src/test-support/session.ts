import type { FeedInfo, OkRow, WelcomeFrame } from '../frames.ts'

export const EPOCH = 1_763_990_000_000

export const FEEDS: readonly FeedInfo[] = [
  { feed: 'quote', mode: 'latest', codec: 'json', generation: 1, partitions: 4 },
  { feed: 'trade', mode: 'every', codec: 'json', generation: 1, partitions: 2 },
  { feed: 'book', mode: 'latest', codec: 'raw', generation: 3, partitions: 1 },
]

export const WELCOME: WelcomeFrame = {
  t: 'welcome',
  session: 'gw-1.k3f9.17',
  node: 'gw-1',
  role: 'gateway',
  version: '0.1.0',
  at: EPOCH + 10_000_000,
  epoch: EPOCH,
  pulseIntervalMs: 1000,
  staleAfterMs: 2500,
  feeds: FEEDS,
  limits: { messageBytesMax: 16_384, subscriptionsMax: 5000, patternsMax: 16 },
}

export function subscribed(id: number, ...ok: readonly OkRow[]) {
  return { t: 'subscribed', id, ok, refused: [], done: true } as const
}
