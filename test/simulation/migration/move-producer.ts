import type { EmbeddedLog } from '@pulsewire/server'
import type { Kernel } from '../world/kernel.ts'
import { EPOCH_MS } from '../world/process.ts'
import type { Random } from '../world/random.ts'

export interface Target {
  readonly log: EmbeddedLog
  readonly topic: string
}

/** How records come into the topic that the feed moves to. */
export const WAYS = ['both', 'mirror', 'leaves', 'overlaps'] as const
export type Way = (typeof WAYS)[number]

/**
 * Writes numbered records of each symbol into two topics: always both; the older alone, from which a mirror copies; or the
 * older up to some moment and the newer from then on, each symbol at its own, with or without a time of both.
 */
export class MoveProducer {
  /** By symbol, the number of its last record. */
  readonly last = new Map<string, number>()
  readonly #kernel: Kernel
  readonly #random: Random
  readonly #older: Target
  readonly #newer: Target
  readonly #way: Way
  readonly #lagMs: number
  readonly #symbols: readonly string[]
  /** When each symbol leaves the older topic. */
  readonly #leavesAtMs = new Map<string, number>()
  #isOver = false

  constructor(options: {
    readonly kernel: Kernel
    readonly random: Random
    readonly older: Target
    readonly newer: Target
    readonly way: Way
    readonly symbols: readonly string[]
    readonly ratePerS: number
    readonly leavesMs: readonly [number, number]
  }) {
    this.#kernel = options.kernel
    this.#random = options.random
    this.#older = options.older
    this.#newer = options.newer
    this.#way = options.way
    this.#symbols = options.symbols
    this.#lagMs = options.random.logBetween(1, 3000)
    for (const symbol of options.symbols) this.#leavesAtMs.set(symbol, options.random.between(...options.leavesMs))
    this.write(options.symbols)
    this.#next(options.ratePerS)
  }

  stop(): void {
    this.#isOver = true
  }

  /** One record of each. */
  write(symbols: readonly string[]): void {
    for (const symbol of symbols) this.#record(symbol)
  }

  #next(ratePerS: number): void {
    this.#kernel.after(this.#random.exponential(1000 / ratePerS), () => {
      if (this.#isOver) return
      // Some trade all the time, the last hardly ever, and sometimes several times within a millisecond.
      const symbol = this.#symbols[Math.floor(this.#symbols.length * this.#random.next() ** 2)]!
      for (let i = this.#random.chance(0.2) ? this.#random.int(2, 5) : 1; i > 0; i--) this.#record(symbol)
      this.#next(ratePerS)
    })
  }

  #record(symbol: string): void {
    const number = (this.last.get(symbol) ?? 0) + 1
    this.last.set(symbol, number)
    // A price that repeats: content alone tells nothing.
    const record = {
      key: symbol,
      value: JSON.stringify({ number, last: number % 3 }),
      timestampMs: EPOCH_MS + Math.floor(this.#kernel.nowMs),
    }
    const write = ({ log, topic }: Target) => void log.appendNow(topic, [record])
    const leavesAtMs = this.#leavesAtMs.get(symbol)!
    const hasLeft = this.#kernel.nowMs >= leavesAtMs
    switch (this.#way) {
      case 'both':
        // Two appends of one producer, one a little later.
        write(this.#older)
        return void this.#kernel.at(this.#afterLast(symbol, this.#random.logBetween(0.1, 20)), 'io', null, () => write(this.#newer))
      case 'mirror':
        write(this.#older)
        return void this.#kernel.at(this.#afterLast(symbol, this.#lagMs * this.#random.between(0.5, 1)), 'io', null, () =>
          write(this.#newer),
        )
      case 'leaves':
        return write(hasLeft ? this.#newer : this.#older)
      case 'overlaps':
        if (this.#kernel.nowMs < leavesAtMs + 500) write(this.#older)
        if (hasLeft) write(this.#newer)
    }
  }

  /** A symbol's records keep their order. */
  #afterLast(symbol: string, delayMs: number): number {
    const atMs = Math.max(this.#kernel.nowMs + delayMs, this.#lastAtMs.get(symbol) ?? 0)
    this.#lastAtMs.set(symbol, atMs)
    return atMs
  }
  readonly #lastAtMs = new Map<string, number>()
}
