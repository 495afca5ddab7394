import { type Clock, type Log, type LogAppend, systemClock } from '@pulsewire/server'
import { Pacer } from './pacer.ts'
import type { Quote } from './quote.ts'
import type { Source } from './source.ts'

export interface ProduceOptions {
  readonly log: Log
  readonly topic: string
  readonly source: Source
  /** Records per second. */
  readonly rate: number
  /** Default: until the source ends. */
  readonly countMax?: number
  readonly signal: AbortSignal
  readonly onProgress: (text: string) => void
  readonly clock?: Clock
}

/** Records of one append. More would only make the broker wait for us. */
const BATCH_MAX = 5_000
const PROGRESS_INTERVAL_MS = 1_000

/**
 * Appends a source's quotes at the given rate until it ends, the count is reached, or the signal. One append at a time,
 * so the order within a symbol is the source's. @returns what was done, for people. @throws LogError
 */
export async function produce(options: ProduceOptions): Promise<string> {
  const clock = options.clock ?? systemClock
  const startedMs = clock.nowMs()
  const pacer = new Pacer(options.rate, clock)
  const quotes = options.source[Symbol.asyncIterator]()
  let sent = 0
  const describe = (): string => {
    const seconds = Math.max(0.001, (clock.nowMs() - startedMs) / 1_000)
    const parts = [`${sent.toLocaleString('en')} records`, `${Math.round(sent / seconds).toLocaleString('en')}/s`]
    if (options.source.badLines > 0) parts.push(`${options.source.badLines} bad lines`)
    if (pacer.skipped > 0) parts.push(`${pacer.skipped.toLocaleString('en')} behind the rate asked for`)
    return parts.join(', ')
  }
  const progress = clock.every(PROGRESS_INTERVAL_MS, () => options.onProgress(describe()))
  try {
    while (!options.signal.aborted) {
      const room = Math.min(pacer.due(), BATCH_MAX, (options.countMax ?? Infinity) - sent)
      const batch = await take(quotes, room)
      if (batch.length > 0) await options.log.append(options.topic, batch.map(toAppend))
      sent += batch.length
      pacer.sent(batch.length)
      if (batch.length < room || sent === options.countMax) break
      await pacer.wait(options.signal)
    }
  } finally {
    progress.cancel()
    await quotes.return?.()
  }
  return `${options.topic}: ${describe()}`
}

async function take(quotes: AsyncIterator<Quote>, count: number): Promise<Quote[]> {
  const batch: Quote[] = []
  while (batch.length < count) {
    const next = await quotes.next()
    if (next.done === true) break
    batch.push(next.value)
  }
  return batch
}

function toAppend({ symbol, values }: Quote): LogAppend {
  return { key: symbol, value: JSON.stringify(values) }
}
