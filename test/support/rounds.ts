import { openKafkaLog, type Log } from '@pulsewire/server'
import { Fleet, type FleetOptions } from './fleet.ts'
import { startKafka, type KafkaForTests } from './kafka.ts'
import type { ViewRecorder } from './view-recorder.ts'

const PARTITIONS = 3

/** The symbols of both feeds. */
export const SYMBOLS = ['AAPL.US', 'MSFT.US', '0700.HK', '0005.HK', 'D05.SG']

/** A fleet on a real Kafka with a feed of each mode, `quote` and `trade`, into which records come in rounds: one for each symbol. */
export class Rounds implements AsyncDisposable {
  readonly fleet: Fleet
  /** The last that was written; 0: none was. */
  round = 0
  readonly #kafka: KafkaForTests
  readonly #log: Log
  readonly #topics: readonly string[]

  private constructor(kafka: KafkaForTests, log: Log, topics: readonly string[], fleet: Fleet) {
    this.#kafka = kafka
    this.#log = log
    this.#topics = topics
    this.fleet = fleet
  }

  static async start(options: Pick<FleetOptions, 'gateway' | 'gateways'> = {}): Promise<Rounds> {
    const kafka = await startKafka()
    const log = openKafkaLog({ brokers: kafka.brokers })
    const run = Date.now().toString(36)
    const topics = [`quotes-${run}`, `trades-${run}`]
    const feeds = [
      { name: 'quote', topic: topics[0] },
      { name: 'trade', topic: topics[1], mode: 'every' },
    ]
    try {
      for (const topic of topics) await log.createTopic(topic, { partitions: PARTITIONS })
      return new Rounds(kafka, log, topics, await Fleet.start({ brokers: kafka.brokers, feeds, ...options }))
    } catch (error) {
      await log.close()
      await kafka.stop()
      throw error
    }
  }

  /** @returns the values by symbol. */
  async produce(): Promise<Record<string, { last: number; round: number }>> {
    const round = ++this.round
    const values = Object.fromEntries(SYMBOLS.map((symbol, i) => [symbol, { last: 100 + i + round / 100, round }]))
    const records = Object.entries(values).map(([key, value]) => ({ key, value: JSON.stringify(value) }))
    await Promise.all(this.#topics.map((topic) => this.#log.append(topic, records)))
    return values
  }

  /** Whether the client has been given the last round of these. */
  hasNewest({ subscription }: ViewRecorder, symbols: readonly string[] = SYMBOLS): boolean {
    return symbols.every((symbol) => subscription.get(symbol)?.values?.['round'] === this.round)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]()
    await this.#log.close()
    await this.#kafka.stop()
  }
}
