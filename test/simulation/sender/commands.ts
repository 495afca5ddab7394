/** What can be done to one sender, drawn by fast-check: settings, and sequences of commands. */
import type { Encoding, SubscribeFrame } from '@pulsewire/protocol'
import fc from 'fast-check'
import { SenderWorld, type Setting } from './sender-world.ts'
import type { Violation } from '../../support/checker/report.ts'

const SYMBOLS = ['A', 'B', 'C', 'DD']
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

export type Command =
  | { readonly do: 'records'; readonly symbol: number; readonly count: number; readonly deletes: boolean }
  | { readonly do: 'pulse' }
  | { readonly do: 'subscribe'; readonly id: number; readonly symbols: readonly number[]; readonly resume: boolean }
  | { readonly do: 'unsubscribe'; readonly id: number; readonly symbols: readonly number[] | null }
  | { readonly do: 'stall'; readonly direction: 'there' | 'back'; readonly ms: number }
  | { readonly do: 'wait'; readonly ms: number }

const symbolsOf = fc.uniqueArray(fc.nat(SYMBOLS.length - 1), { minLength: 1 })
const id = fc.constantFrom(...Object.keys(OPTIONS).map(Number))
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('records' as const),
      symbol: fc.nat(SYMBOLS.length - 1),
      count: fc.integer({ min: 1, max: 40 }),
      deletes: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pulse' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('subscribe' as const), id, symbols: symbolsOf, resume: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), id, symbols: fc.option(symbolsOf) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('stall' as const),
      direction: fc.constantFrom('there' as const, 'back' as const),
      ms: fc.integer({ min: 1, max: 3000 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 400 }) }) },
)

export const settings: fc.Arbitrary<Setting> = fc.record({
  mode: fc.constantFrom('latest' as const, 'every' as const),
  codec: fc.constantFrom('json' as const, 'raw' as const),
  merge: fc.boolean(),
  encoding: fc.constantFrom<Encoding>('pulsewire.bin.v1', 'pulsewire.json.v1'),
  bytesPerMs: fc.constantFrom(4, 40, 1000),
  historyRecordsMax: fc.constantFrom(3, 1000),
  pulseIntervalMs: fc.constantFrom(0, 300, 1000),
  noteBytesMax: fc.constantFrom(450, 4500),
  seed: fc.integer(),
})

export const commands: fc.Arbitrary<Command[]> = fc.array(command, { minLength: 5, maxLength: 60 })

/** @returns the first promise that was broken. */
export function play(setting: Setting, sequence: readonly Command[]): Violation | null {
  const world = new SenderWorld(setting)
  for (const each of sequence) obey(world, setting, each)
  world.rest()
  return world.failure
}

function obey(world: SenderWorld, { mode }: Setting, given: Command): void {
  switch (given.do) {
    case 'records':
      return world.record(SYMBOLS[given.symbol]!, given.count, given.deletes)
    case 'pulse':
      return world.pulse()
    case 'subscribe': {
      const options = OPTIONS[given.id]!
      if (mode === 'latest' && options.delivery === 'every') return
      const base = { t: 'subscribe', id: given.id, feed: 'quote' } as const
      const symbols = given.symbols.map((index) => SYMBOLS[index]!)
      world.subscribe({ ...base, ...(options.patterns === undefined ? { symbols } : {}), ...options }, given.resume)
      if (given.id === 7) world.subscribe({ ...base, symbols: symbols.slice(1), patterns: ['*'] }, given.resume)
      return
    }
    case 'unsubscribe':
      return world.unsubscribe(given.id, given.symbols?.map((index) => SYMBOLS[index]!) ?? null)
    case 'stall':
      return world.stall(given.direction, given.ms)
    case 'wait':
      return world.wait(given.ms)
  }
}

/** Plays so many drawn sequences. @throws Error with the seed and the shortest sequence that fails. */
export function checkSender(runs: number, seed: number): void {
  const property = fc.property(settings, commands, (setting, sequence) => {
    const failure = play(setting, sequence)
    if (failure !== null) throw failure
  })
  fc.assert(property, { numRuns: runs, seed })
}
