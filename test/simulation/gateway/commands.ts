/** What can happen around one gateway, drawn by fast-check: settings, and sequences of commands. */
import type { Encoding } from '@pulsewire/protocol'
import fc from 'fast-check'
import type { Violation } from '../../support/checker/report.ts'
import * as asks from '../sequences/asks.ts'
import { framesOf, namesOf, SYMBOLS, type Records, type Subscribe, type Unsubscribe } from '../sequences/asks.ts'
import { GatewaySequence, SHAPES, type Setting } from './gateway-sequence.ts'

/** Fewer than come at once. */
const SHORT_HISTORY_RECORDS = 3

interface AtNode {
  /** Counted among the nodes that there are; `null`: all of them at once, as when the log hangs. */
  readonly node: number | null
}

interface AtReceiver {
  readonly receiver: number
}

export type Command =
  | Records
  | { readonly do: 'pulse' }
  | (AtNode & { readonly do: 'lag' | 'catch up' | 'release' | 'cut' | 'restore' })
  | (AtNode & { readonly do: 'hold'; readonly direction: 'down' | 'up' })
  | (AtNode & { readonly do: 'restart'; readonly historyRecordsMax: number })
  /** No node reads what is recorded but one that comes back with a short history: it is ahead of the others, and has a hole. */
  | (Omit<Records, 'do'> & { readonly do: 'overtake'; readonly node: number })
  | (AtReceiver & Subscribe)
  | (AtReceiver & Unsubscribe)
  | (AtReceiver & { readonly do: 'reconnect' })
  | { readonly do: 'wait'; readonly ms: number }

const node = fc.option(fc.nat(2), { freq: 2 })
const receiver = fc.nat(1)
const historyRecordsMax = fc.constantFrom(SHORT_HISTORY_RECORDS, 1000)

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record(asks.records(12)) },
  { weight: 2, arbitrary: fc.record(asks.pulse) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lag' as const), node }) },
  { weight: 2, arbitrary: fc.record({ ...asks.records(12), do: fc.constant('overtake' as const), node: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const), node, historyRecordsMax }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('catch up' as const, 'cut' as const, 'restore' as const), node }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('hold' as const), node, direction: fc.constantFrom('down' as const, 'up' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), node }) },
  { weight: 4, arbitrary: fc.record({ ...asks.subscribe, receiver }) },
  { weight: 1, arbitrary: fc.record({ ...asks.unsubscribe, receiver }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const), receiver }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 400, max: 3500 })),
    }),
  },
)

export const settings: fc.Arbitrary<Setting> = fc.record({
  shape: fc.constantFrom(...(Object.keys(SHAPES) as (keyof typeof SHAPES)[])),
  mode: fc.constantFrom('every' as const, 'latest' as const),
  merge: fc.boolean(),
  encoding: fc.constantFrom<Encoding>('pulsewire.bin.v1', 'pulsewire.json.v1'),
  historyRecordsMax,
  pulseIntervalMs: fc.constantFrom(0, 1000),
  seed: fc.integer(),
})

export const commands: fc.Arbitrary<Command[]> = fc.array(command, { minLength: 5, maxLength: 60 })

/** @returns the first promise that was broken. */
export function play(setting: Setting, sequence: readonly Command[], trace?: (line: string) => void): Violation | null {
  const world = new GatewaySequence(setting, trace)
  for (const each of sequence) {
    obey(world, setting, each)
    if (world.failure !== null) return world.failure
  }
  world.rest()
  return world.failure
}

function obey(world: GatewaySequence, { mode }: Setting, given: Command): void {
  switch (given.do) {
    case 'records':
      return world.records(SYMBOLS[given.symbol]!, given.count, given.deletes)
    case 'pulse':
      return world.pulse()
    case 'overtake':
      for (const node of world.nodes) world.lag(node)
      world.records(SYMBOLS[given.symbol]!, given.count, given.deletes)
      return world.restart(world.nodes[given.node % world.nodes.length]!, SHORT_HISTORY_RECORDS)
    case 'subscribe':
      for (const frame of framesOf(given, mode)) world.subscribe(given.receiver, frame, given.resume)
      return
    case 'unsubscribe':
      return world.unsubscribe(given.receiver, given.id, given.symbols === null ? null : namesOf(given.symbols))
    case 'reconnect':
      return world.reconnect(given.receiver)
    case 'wait':
      return world.wait(given.ms)
    default:
      for (const [index, node] of world.nodes.entries())
        if (given.node === null || given.node % world.nodes.length === index) befall(world, node, given)
  }
}

function befall(world: GatewaySequence, node: string, given: Extract<Command, AtNode>): void {
  switch (given.do) {
    case 'lag':
      return world.lag(node)
    case 'catch up':
      return world.catchUp(node)
    case 'hold':
      return world.hold(node, given.direction)
    case 'release':
      return world.release(node)
    case 'cut':
      return world.cut(node)
    case 'restore':
      return world.restore(node)
    case 'restart':
      return world.restart(node, given.historyRecordsMax)
  }
}
