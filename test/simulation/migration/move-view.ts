import { PulsewireClient } from '@pulsewire/client'
import { openSockets, type HopTap } from '../world/adapters.ts'
import type { Network } from '../world/network.ts'
import type { SimProcess } from '../world/process.ts'
import type { Random } from '../world/random.ts'
import type { Trace } from '../world/trace.ts'

/** What a hop says, for the trace. */
export function tracedTap(trace: Trace, receiver: string): HopTap {
  const text = (data: unknown) => (typeof data === 'string' ? data.slice(0, 2000) : '(binary)')
  return {
    opened() {},
    sent(data) {
      trace.say(receiver, () => `→ ${text(data)}`)
      return true
    },
    arriving(data) {
      trace.say(receiver, () => `← ${text(data)}`)
      return data
    },
    arrived() {},
    closed() {},
  }
}

/** An application that counts: every record once and in order, none of it stale. */
export class MoveView {
  readonly #client: PulsewireClient
  readonly #id: string
  readonly #isEvery: boolean
  readonly #report: (rule: string, message: string) => void
  readonly #seen = new Map<string, number>()
  readonly positions = new Map<string, string>()
  #wasLive = false

  constructor(options: {
    readonly id: string
    readonly process: SimProcess
    readonly network: Network
    readonly random: Random
    readonly trace: Trace
    readonly urls: readonly string[]
    readonly feed: string
    readonly isEvery: boolean
    readonly symbols: readonly string[]
    readonly report: (rule: string, message: string) => void
  }) {
    const { id, process, network, random, trace, urls, feed, isEvery, symbols } = options
    this.#id = id
    this.#isEvery = isEvery
    this.#report = options.report
    this.#client = new PulsewireClient({
      url: [...urls],
      encoding: trace.on || random.chance(0.3) ? 'json' : 'bin',
      environment: {
        clock: process.clock,
        random: random.fork().next,
        openSocket: openSockets(network, process, () => tracedTap(trace, id)),
        onWake: () => () => {},
      },
    })
    this.#client.subscribe(
      {
        feed,
        ...(random.chance(0.3) ? { patterns: ['*'] } : { symbols: [...symbols] }),
        ...(isEvery ? { delivery: 'every' as const } : {}),
      },
      {
        onUpdate: ({ symbol, values, position }) => this.#update(symbol, Number(values['number']), position),
        onState: ({ state, reason, hop }) => {
          trace.say(id, () => `is ${state} ${reason ?? ''} ${hop ?? ''}`)
          if (state === 'live') this.#wasLive = true
          else if (this.#wasLive) options.report('stale', `${id} is ${state}: ${reason} at ${hop}`)
        },
        onGap: ({ symbol, from, to }) => options.report('gap', `${id}: ${symbol} lacks what is between ${from} and ${to}`),
      },
    )
  }

  get isLive(): boolean {
    return this.#wasLive
  }

  /** Whether it shows these records, by symbol. */
  missing(last: ReadonlyMap<string, number>): string | undefined {
    for (const [symbol, number] of last)
      if (this.#seen.get(symbol) !== number) return `${this.#id}: ${symbol} is at ${this.#seen.get(symbol)}, the log at ${number}`
    return undefined
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  #update(symbol: string, number: number, position: string): void {
    const before = this.#seen.get(symbol)
    this.#seen.set(symbol, number)
    const from = this.positions.get(symbol)
    this.positions.set(symbol, position)
    if (before === undefined || number === before + 1 || (!this.#isEvery && number > before)) return
    this.#report(number <= before ? 'order' : 'missed', `${this.#id}: ${symbol} comes to ${number} (${position}) after ${before} (${from})`)
  }
}
