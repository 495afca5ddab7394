import type { FeedConfig, Log, LogAppend } from '@pulsewire/server'
import { LogModel, type ModelFeed, type ModelSymbol } from '../../support/checker/log-model.ts'
import type { SteadyProducer } from './steady-producer.ts'

export interface TruthFeed {
  readonly name: string
  readonly topic: string
  readonly mode: 'latest' | 'every'
  readonly partitions: number
  /** Another topic with a copy of every record, to which the feed may move. */
  readonly copiedTo?: { readonly topic: string; readonly partitions: number }
}

/**
 * Reads back what the topics hold, from their beginning: also records whose append was never answered.
 * @throws Error when the log lost a record that it had acknowledged: then nothing that follows means anything.
 */
export async function readTruth(log: Log, feeds: readonly TruthFeed[], producer: SteadyProducer): Promise<LogModel> {
  const model = new LogModel(feeds.map((feed) => ({ config: configOf(feed), partitions: feed.partitions })))
  for (const { name, topic, copiedTo } of feeds) {
    const acknowledged = producer.acknowledgedMs.get(topic) ?? new Map<string, number>()
    const seen = new Set<string>()
    for await (const { partition, offset, append } of recordsOf(log, topic)) {
      const place = `${partition}:${offset}`
      seen.add(place)
      model.appended(topic, [append], [{ partition, offset }], acknowledged.get(place) ?? Infinity)
    }
    for (const place of acknowledged.keys())
      if (!seen.has(place)) throw new Error(`the log lost ${topic} ${place}, which it had acknowledged`)
    if (copiedTo !== undefined) await readCopies(log, copiedTo.topic, model.feeds.get(name)!)
  }
  return model
}

/** Tells the model where the copies of its records lie. Each record of a symbol has a sequence number of its own. */
async function readCopies(log: Log, topic: string, { symbols }: ModelFeed): Promise<void> {
  const bySequence = new Map<unknown, { readonly symbol: ModelSymbol; readonly index: number }>()
  for (const symbol of symbols.values())
    symbol.records.forEach(({ values }, index) => bySequence.set(values?.get('sequence'), { symbol, index }))
  for await (const { partition, offset, append } of recordsOf(log, topic)) {
    // Pulses are numbered too.
    if (append.value === null || append.key === null || (append.key as Uint8Array)[0] === 0) continue
    const { sequence } = JSON.parse(Buffer.from(append.value as Uint8Array).toString()) as { readonly sequence: number }
    const original = bySequence.get(sequence)
    original?.symbol.copied(original.index, { generation: 2, partition, offset })
  }
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
