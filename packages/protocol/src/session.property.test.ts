/**
 * The property that matters most: whatever the log holds and whatever was conflated on the way, a receiver of either
 * encoding holds exactly the sender's image after each update.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { FieldValue } from './frames.ts'
import { anyValue, jsonSafeValue } from './test-support/arbitraries.ts'
import { Recorder, type SeenUpdate } from './test-support/recorder.ts'
import { type ModelRecord, ReferenceSender } from './test-support/reference-sender.ts'
import { EPOCH, FEEDS, subscribed, WELCOME } from './test-support/session.ts'

const NAMES = [
  'last',
  'bid',
  'ask',
  'volume',
  'name',
  '__proto__',
  'constructor',
  '0',
  '',
  'Ä',
  ...Array.from({ length: 20 }, (_, i) => `f${i}`),
]
const SYMBOLS = ['AAPL.US', '0700.HK', '__proto__']
/** Id 1 is subscribed to feed `quote`, id 2 to `trade`; they number their fields apart. */
const FEED_OF = [0, 0, 1]

type Change =
  | { kind: 'set'; name: string; value: FieldValue }
  | { kind: 'tick'; name: string; ticks: number; scale: number }
  | { kind: 'remove'; name: string }

/** One record of the log, and whether the receiver is sent the state right after it. */
interface Step {
  readonly ref: number
  readonly changes: readonly Change[]
  readonly deleted: boolean
  readonly moved: boolean
  readonly sent: boolean
  /** The receiver synchronises anew. */
  readonly snapshot: boolean
  readonly endsMessage: boolean
}

function steps(value: fc.Arbitrary<FieldValue>): fc.Arbitrary<Step[]> {
  const name = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('last', 'bid', 'ask') },
    { weight: 2, arbitrary: fc.constantFrom(...NAMES) },
  )
  const change: fc.Arbitrary<Change> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('tick' as const), name, ticks: fc.integer({ min: -20, max: 20 }), scale: fc.nat(9) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), name, value }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), name }) },
  )
  const seldom = fc.nat(15).map((x) => x === 1)
  const step = fc.record({
    ref: fc.integer({ min: 1, max: SYMBOLS.length * 2 }),
    changes: fc.array(change, { maxLength: 8 }),
    deleted: seldom,
    moved: seldom,
    sent: fc.nat(3).map((x) => x > 0),
    snapshot: seldom,
    endsMessage: fc.boolean(),
  })
  return fc.array(step, { minLength: 1, maxLength: 40, size: 'max' })
}

/** A symbol in the sender's memory, and what its receiver has not been told yet. */
interface Symbol {
  record: ModelRecord
  pending: number
  begun: boolean
}

function applyChange(fields: Map<string, FieldValue>, change: Change): void {
  if (change.kind === 'remove') fields.delete(change.name)
  else if (change.kind === 'set') fields.set(change.name, change.value)
  else {
    const before = fields.get(change.name)
    const power = 10 ** change.scale
    const mantissa = Math.round((typeof before === 'number' && Math.abs(before) < 1e4 ? before : 100) * power) + change.ticks
    fields.set(change.name, mantissa / power + 0)
  }
}

function applyRecord(symbol: Symbol, step: Step): void {
  const { generation, partition, offset, ts, fields } = symbol.record
  const next = new Map(step.deleted ? [] : fields)
  if (!step.deleted) for (const change of step.changes) applyChange(next, change)
  symbol.record = {
    generation: generation + (step.moved ? 1 : 0),
    partition: step.moved ? (partition + 1) % 4 : partition,
    offset: step.moved ? 0 : offset + 1 + step.changes.length,
    ts: ts + step.changes.length * 7 - 3,
    deleted: step.deleted,
    fields: next,
    ...(offset < 0 || step.moved ? {} : { prev: offset }),
  }
  symbol.pending++
}

/** Runs the steps through a sender and gives both receivers each message; `check` compares after each. */
function run(
  steps: readonly Step[],
  check: (wanted: readonly [number, ModelRecord, number, boolean][], bin: Recorder, json: Recorder) => void,
  json: boolean,
): void {
  const sender = new ReferenceSender(EPOCH, FEEDS)
  const receivers = [
    new Recorder('pulsewire.bin.v1', (id) => FEED_OF[id]!),
    new Recorder('pulsewire.json.v1', (id) => FEED_OF[id]!),
  ] as const
  const symbols = new Map<number, Symbol>()
  let wanted: [number, ModelRecord, number, boolean][] = []
  const flush = () => {
    const message = sender.flush()
    receivers[0].receive(message.bin)
    if (json) receivers[1].receive(message.json)
    check(wanted, receivers[0], receivers[1])
    wanted = []
    for (const receiver of receivers) receiver.updates.length = 0
  }
  sender.control(WELCOME)
  for (const id of [1, 2]) {
    const rows = SYMBOLS.map((symbol, i) => [symbol, (id - 1) * SYMBOLS.length + i + 1, 'empty'] as const)
    sender.control(subscribed(id, ...rows))
    for (const [symbol, ref] of rows) {
      sender.open(ref, FEED_OF[id]!, symbol)
      symbols.set(ref, { record: { generation: 1, partition: 0, offset: -1, ts: EPOCH, fields: new Map() }, pending: 0, begun: false })
    }
  }
  for (const step of steps) {
    const symbol = symbols.get(step.ref)!
    applyRecord(symbol, step)
    if (step.sent) {
      const snapshot = (!symbol.begun || step.snapshot) && !step.deleted
      sender.update(step.ref, symbol.record, symbol.pending, snapshot)
      wanted.push([step.ref, symbol.record, symbol.pending, snapshot])
      symbol.pending = 0
      symbol.begun = true
    }
    if (step.endsMessage) flush()
  }
  flush()
}

function assertImage(seen: SeenUpdate, [ref, record, n, snapshot]: readonly [number, ModelRecord, number, boolean]): void {
  const { generation, partition, offset, ts, prev = -1, deleted = false } = record
  const place = {
    ref: seen.ref,
    generation: seen.generation,
    partition: seen.partition,
    offset: seen.offset,
    ts: seen.ts,
    n: seen.n,
    prev: seen.prev,
  }
  assert.deepEqual(place, { ref, generation, partition, offset, ts, n, prev })
  assert.deepEqual([seen.snapshot, seen.deleted, seen.raw], [snapshot, deleted, null])
  assert.deepEqual(seen.values, record.fields)
}

describe('a random session', () => {
  test('both encodings give the sender’s image after each update, and name the same changes', () => {
    fc.assert(
      fc.property(steps(jsonSafeValue), (steps) => {
        run(
          steps,
          (wanted, bin, json) => {
            assert.equal(bin.updates.length, wanted.length)
            wanted.forEach((each, i) => assertImage(bin.updates[i]!, each))
            assert.deepEqual(json.updates, bin.updates)
          },
          true,
        )
      }),
      { numRuns: 300 },
    )
  })

  test('bin.v1 carries every number there is', () => {
    fc.assert(
      fc.property(steps(anyValue), (steps) => {
        run(
          steps,
          (wanted, bin) => {
            assert.equal(bin.updates.length, wanted.length)
            wanted.forEach((each, i) => assertImage(bin.updates[i]!, each))
          },
          false,
        )
      }),
      { numRuns: 300 },
    )
  })

  test('what changed is what differs from the image before, and a message may end anywhere', () => {
    fc.assert(
      fc.property(steps(jsonSafeValue), (steps) => {
        const held = new Map<number, ReadonlyMap<string, FieldValue>>()
        run(
          steps,
          (_, bin) => {
            for (const { ref, values, changed, snapshot, deleted } of bin.updates) {
              const before = snapshot ? new Map<string, FieldValue>() : (held.get(ref) ?? new Map<string, FieldValue>())
              const names = deleted
                ? []
                : [...new Set([...before.keys(), ...values.keys()])].filter((name) => !same(before.get(name), values.get(name)))
              assert.deepEqual([...changed].sort(), names.sort())
              held.set(ref, values)
            }
          },
          false,
        )
      }),
      { numRuns: 100 },
    )
  })
})

function same(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b))
}
