import type { FeedConfig, Log, LogAppend } from '@pulsewire/server'
import { LogModel } from '../../support/checker/log-model.ts'
import type { SteadyProducer } from './steady-producer.ts'

export interface TruthFeed {
  readonly name: string
  readonly topic: string
  readonly mode: 'latest' | 'every'
  readonly partitions: number
}

/**
 * Reads back what the topics hold, from their beginning: also records whose append was never answered.
 * @throws Error when the log lost a record that it had acknowledged: then nothing that follows means anything.
 */
export async function readTruth(log: Log, feeds: readonly TruthFeed[], producer: SteadyProducer): Promise<LogModel> {
  const model = new LogModel(feeds.map((feed) => ({ config: configOf(feed), partitions: feed.partitions })))
  for (const { topic } of feeds) {
    const acknowledged = producer.acknowledgedMs.get(topic) ?? new Map<string, number>()
    const seen = new Set<string>()
    for await (const { partition, offset, append } of recordsOf(log, topic)) {
      const place = `${partition}:${offset}`
      seen.add(place)
      model.appended(topic, [append], [{ partition, offset }], acknowledged.get(place) ?? Infinity)
    }
    for (const place of acknowledged.keys())
      if (!seen.has(place)) throw new Error(`the log lost ${topic} ${place}, which it had acknowledged`)
  }
  return model
}

async function* recordsOf(log: Log, topic: string): AsyncGenerator<{ partition: number; offset: number; append: LogAppend }> {
  const { partitions } = await log.describe(topic)
  const left = new Map(partitions.filter(({ earliest, latest }) => latest > earliest).map(({ partition, latest }) => [partition, latest]))
  if (left.size === 0) return
  const reader = log.read(
    topic,
    [...left.keys()].map((partition) => ({ partition, start: { at: 'earliest' } })),
  )
  for await (const event of reader) {
    if (event.kind !== 'records') continue
    const { partition } = event
    for (const { key, value, timestampMs, offset } of event.records) {
      // Buffers belong to the reader.
      yield { partition, offset, append: { key: copy(key), value: copy(value), timestampMs } }
      if (offset + 1 >= (left.get(partition) ?? Infinity)) left.delete(partition)
    }
    if (left.size === 0) return
  }
}

function copy(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes)
}

function configOf({ name, topic, mode }: TruthFeed): FeedConfig {
  return { name, topic, mode, codec: 'json', merge: false, generation: 1 } as FeedConfig
}
