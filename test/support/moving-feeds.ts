/** Two feeds, one of each mode, with topics to move to: a producer for them, and clients that see whether anything is missed. */
import assert from 'node:assert/strict'
import type { Log } from '@pulsewire/server'
import { StallWatch } from '../faults/rig/stall-watch.ts'
import { ViewRecorder } from './view-recorder.ts'

export const FEEDS = ['quote', 'trade'] as const
export type MovingFeed = (typeof FEEDS)[number]

/** A topic, and the cluster that has it. */
export interface Place {
  readonly log: Log
  readonly topic: string
}

const SYMBOLS = Array.from({ length: 12 }, (_, i) => `S${i}.US`)
/** Traded once, before anything moves. */
const IDLE = 'IDLE.US'
const ROUND_INTERVAL_MS = 50
/** What comes after a move is looked at for so many rounds. */
const ROUNDS_AFTER = 5
/** Views in a process that stood still for longer turn stale by that alone, and say nothing of the nodes. */
const SOUND_STALL_MS = 500

/** Writes one record of each symbol a round, into every topic that its feed is to be in, with the same time in all. */
export class MovingProducer implements AsyncDisposable {
  round = 0
  /** Where a symbol's records go. */
  readonly places: Record<MovingFeed, (symbol: string) => readonly Place[]>
  #isOver = false
  #running: Promise<void> = Promise.resolve()

  constructor(places: Readonly<Record<MovingFeed, readonly Place[]>>) {
    this.places = { quote: () => places.quote, trade: () => places.trade }
  }

  async start(): Promise<void> {
    await this.#write([IDLE, ...SYMBOLS])
    this.#running = this.#run()
  }

  /** Resolves when so many rounds more have been written. */
  async rounds(count: number): Promise<void> {
    const until = this.round + count
    while (this.round < until) await pause()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.#write(SYMBOLS)
      await pause()
    }
  }

  async #write(symbols: readonly string[]): Promise<void> {
    const round = ++this.round
    const timestampMs = Date.now()
    const work = FEEDS.flatMap((feed) => {
      const byPlace = new Map<Place, string[]>()
      for (const symbol of symbols) {
        for (const place of this.places[feed](symbol)) {
          const before = byPlace.get(place)
          if (before === undefined) byPlace.set(place, [symbol])
          else before.push(symbol)
        }
      }
      return [...byPlace].map(([{ log, topic }, named]) =>
        log.append(
          topic,
          named.map((key) => ({ key, value: JSON.stringify({ round, last: round % 3 }), timestampMs })),
        ),
      )
    })
    await Promise.all(work)
  }
}

/** Clients of every gateway on both feeds. */
export class MovingViews implements AsyncDisposable {
  readonly #recorders: readonly ViewRecorder[]
  readonly #producer: MovingProducer
  readonly #stalls = new StallWatch()

  constructor(producer: MovingProducer, urls: readonly string[]) {
    this.#producer = producer
    const symbols = [...SYMBOLS, IDLE]
    this.#recorders = urls.flatMap((url) => [
      new ViewRecorder({ url }, { feed: 'trade', symbols, delivery: 'every' }),
      new ViewRecorder({ url }, { feed: 'quote', symbols }),
    ])
  }

  async live(): Promise<void> {
    await Promise.all(this.#recorders.map((recorder) => recorder.until(() => recorder.subscription.state.state === 'live', 'live')))
  }

  /**
   * Waits for some rounds more, then: every trade once and in order, quotes never backwards, the idle symbol once, and
   * since `live` never a word of staleness, unless this process itself stood still.
   */
  async sawAll(): Promise<void> {
    const last = this.#producer.round + ROUNDS_AFTER
    for (const recorder of this.#recorders) {
      const { feed } = recorder.subscription
      const at = (symbol: string) => Number(recorder.subscription.get(symbol)?.values?.['round'])
      await recorder.until(() => SYMBOLS.every((symbol) => at(symbol) >= last), `round ${last}`)
      const bySymbol = Map.groupBy(recorder.updates, ({ symbol }) => symbol)
      for (const symbol of SYMBOLS) {
        const seen = bySymbol.get(symbol)!.map(({ values }) => Number(values['round']))
        const wrong = seen.findIndex((round, i) => i > 0 && (feed === 'trade' ? round !== seen[i - 1]! + 1 : round <= seen[i - 1]!))
        const around = bySymbol.get(symbol)!.slice(Math.max(0, wrong - 3), wrong + 3)
        assert.equal(
          wrong,
          -1,
          `${feed} ${symbol}: ${around.map(({ values, position }) => `${values['round']} at ${position}`).join(', ')}`,
        )
      }
      assert.deepEqual(
        bySymbol.get(IDLE)?.map(({ values }) => values['round']),
        [1],
        `${feed} ${IDLE}`,
      )
      assert.deepEqual(recorder.gaps, [])
      const states = recorder.states.slice(recorder.states.indexOf('live'))
      if (this.#stalls.longestMs < SOUND_STALL_MS) assert.deepEqual(states, ['live'], feed)
      else assert.equal(states.at(-1), 'live', feed)
    }
  }

  /** Of each feed, the generations that its clients are at. */
  generations(): Record<MovingFeed, number[]> {
    const of = (feed: MovingFeed) =>
      this.#recorders
        .filter(({ subscription }) => subscription.feed === feed)
        .flatMap(({ subscription }) => [SYMBOLS[0]!, IDLE].map((symbol) => Number(subscription.get(symbol)?.position?.split(':')[0])))
    return { quote: [...new Set(of('quote'))], trade: [...new Set(of('trade'))] }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stalls[Symbol.dispose]()
    await Promise.all(this.#recorders.map((recorder) => recorder[Symbol.asyncDispose]()))
  }
}

export const MOVING_SYMBOLS: readonly string[] = SYMBOLS

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ROUND_INTERVAL_MS))
}
