/** What a receiver may ask for in a drawn sequence: a few symbols, in all the ways there are. */
import type { FeedMode, FieldValue, SubscribeFrame } from '@pulsewire/protocol'
import fc from 'fast-check'
import type { Random } from '../world/random.ts'

export const FEED = 'quote'
export const SYMBOLS = ['A', 'B', 'C', 'DD'] as const

/** What each id asks for; 5 is for feeds of every record, 7 names symbols and a pattern that brings them, in two frames. */
const OPTIONS: Readonly<Record<number, Partial<SubscribeFrame>>> = {
  1: {},
  2: { fields: ['last', 'status'] },
  3: { maxRate: 5, delivery: 'latest' },
  4: { image: false },
  5: { delivery: 'every', history: 3 },
  6: { patterns: ['?'] },
  7: {},
}

export interface Subscribe {
  readonly do: 'subscribe'
  readonly id: number
  readonly symbols: readonly number[]
  readonly resume: boolean
}

export interface Unsubscribe {
  readonly do: 'unsubscribe'
  readonly id: number
  readonly symbols: readonly number[] | null
}

export interface Records {
  readonly do: 'records'
  readonly symbol: number
  readonly count: number
  /** The last of them deletes the symbol. */
  readonly deletes: boolean
}

export const symbol = fc.nat(SYMBOLS.length - 1)
const symbols = fc.uniqueArray(symbol, { minLength: 1 })
const id = fc.constantFrom(...Object.keys(OPTIONS).map(Number))
export const subscribe = { do: fc.constant('subscribe' as const), id, symbols, resume: fc.boolean() }
export const unsubscribe = { do: fc.constant('unsubscribe' as const), id, symbols: fc.option(symbols) }
export const pulse = { do: fc.constant('pulse' as const) }

export function records(countMax: number) {
  return { do: fc.constant('records' as const), symbol, count: fc.integer({ min: 1, max: countMax }), deletes: fc.boolean() }
}

/** @returns the frames to send; none for what the feed would refuse. */
export function framesOf({ id, symbols }: Subscribe, mode: FeedMode): SubscribeFrame[] {
  const options = OPTIONS[id]!
  if (mode === 'latest' && options.delivery === 'every') return []
  const base = { t: 'subscribe', id, feed: FEED } as const
  const names = namesOf(symbols)
  const first = { ...base, ...(options.patterns === undefined ? { symbols: names } : {}), ...options }
  return id === 7 ? [first, { ...base, symbols: names.slice(1), patterns: ['*'] }] : [first]
}

export function namesOf(symbols: readonly number[]): string[] {
  return symbols.map((index) => SYMBOLS[index]!)
}

/** Fields of one record, some of those that there are. */
export function someFields(random: Random, seq: number, noteBytesMax: number): Record<string, FieldValue> {
  const fields = {
    seq,
    last: random.int(0, 9) / 10 ** random.int(0, 3),
    status: random.pick(['a', null, 'b']),
    book: [random.int(0, 2)],
    note: 'x'.repeat((random.int(0, 3) * noteBytesMax) / 3),
  }
  return Object.fromEntries(Object.entries(fields).filter(() => random.chance(0.6)))
}
