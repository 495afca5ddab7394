import type { PushConfig, ReadFeed } from './schema.ts'

/** What a push node reads: the feeds, and those that show them with a delay, which are like them in everything else. */
export function readFeeds({ feeds, push }: Pick<PushConfig, 'feeds' | 'push'>): ReadFeed[] {
  const delayed = push.delayedFeeds.flatMap(({ name, of, delayMs }) =>
    feeds.filter((feed) => feed.name === of).map((feed) => ({ ...feed, name, delay: { of, delayMs } })),
  )
  return [...feeds, ...delayed]
}
