/** What can be done to one sender, drawn by fast-check: settings, and sequences of commands. */
import type { Encoding } from '@pulsewire/protocol'
import fc from 'fast-check'
import * as asks from '../sequences/asks.ts'
import { framesOf, namesOf, SYMBOLS, type Records, type Subscribe, type Unsubscribe } from '../sequences/asks.ts'
import { SenderWorld, type Setting } from './sender-world.ts'
import type { Violation } from '../../support/checker/report.ts'

export type Command =
  | Records
  | { readonly do: 'pulse' }
  | Subscribe
  | Unsubscribe
  | { readonly do: 'stall'; readonly direction: 'there' | 'back'; readonly ms: number }
  | { readonly do: 'wait'; readonly ms: number }

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record(asks.records(40)) },
  { weight: 4, arbitrary: fc.record(asks.pulse) },
  { weight: 3, arbitrary: fc.record(asks.subscribe) },
  { weight: 1, arbitrary: fc.record(asks.unsubscribe) },
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
    case 'subscribe':
      for (const frame of framesOf(given, mode)) world.subscribe(frame, given.resume)
      return
    case 'unsubscribe':
      return world.unsubscribe(given.id, given.symbols === null ? null : namesOf(given.symbols))
    case 'stall':
      return world.stall(given.direction, given.ms)
    case 'wait':
      return world.wait(given.ms)
  }
}
