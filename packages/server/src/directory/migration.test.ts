import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CatalogueFeed, FeedGeneration } from './directory.ts'
import type { FeedReader } from './feed-readers.ts'
import { type MigrationGoal, nextStep, rollbackGoal, type Seen, standingOf } from './migration.ts'
import { generationsOf, newestGeneration } from './generations.ts'

const START: CatalogueFeed = { feed: 'quote', current: { generation: 1, topic: 'quotes' }, next: null, retired: [], revision: 0 }
const TO: MigrationGoal = { topic: 'quotes-v8' }
const AWAY: MigrationGoal = { topic: 'quotes-v9' }

function reader(node: string, generation: number, pulseAgeMs: number | null = 100, partitions?: number[]): FeedReader {
  const line = node.includes('b') ? 'B' : 'A'
  const leased = { feed: 'quote', generation, pulseAgeMs, ...(partitions === undefined ? {} : { partitions }) }
  return { node, role: 'push', line, version: '0.1.0', addresses: [`ws://${node}`], leased }
}

function seen(readers: readonly FeedReader[], nowMs = 0, extra: Partial<Seen> = {}): Seen {
  return { readers, partitions: 2, currentPartitions: 2, unreadableMax: 0.01, pulseAgeMaxMs: 2000, linesRequired: [], nowMs, ...extra }
}

const BOTH = ['a1', 'b1'].flatMap((node) => [reader(node, 1), reader(node, 2)])
const SWITCHED = [reader('a1', 2), reader('b1', 2)]

function written(feed: CatalogueFeed, goal: MigrationGoal, known: Seen): CatalogueFeed {
  const step = nextStep(feed, goal, known)
  assert.equal(step.do, 'write', step.say)
  return step.do === 'write' ? step.feed : feed
}

test('a migration opens, announces when both lines are fresh, closes when both have switched, and is done', () => {
  const opened = written(START, TO, seen([]))
  assert.deepEqual([standingOf(opened), opened.next, opened.revision], ['opening', { generation: 2, topic: 'quotes-v8' }, 1])
  const half = nextStep(opened, TO, seen([reader('a1', 1), reader('a1', 2), reader('b1', 1), reader('b1', 2, null)]))
  assert.match(half.do + half.say, /^waituntil line B /)
  const announced = written(opened, TO, seen(BOTH, 1000))
  assert.deepEqual([standingOf(announced), announced.next?.fromMs], ['switching', 3000])
  assert.match(nextStep(announced, TO, seen(SWITCHED, 2900)).say, /until the moment/)
  const late = nextStep(announced, TO, seen([...BOTH.slice(0, 2), reader('b1', 2)], 8000))
  assert.match(late.do + late.say, /^wait.*line A.*a1 \(version 0.1.0, ws:\/\/a1\)/)
  const closed = written(announced, TO, seen(SWITCHED, 8000))
  assert.deepEqual(
    [standingOf(closed), closed.current.generation, closed.retired, closed.revision],
    ['settled', 2, [{ generation: 1, topic: 'quotes' }], 3],
  )
  assert.equal(nextStep(closed, TO, seen(SWITCHED, 8000)).do, 'done')
})

test('shares of a line count together, and a line without one partition is not fresh', () => {
  const opened = written(START, TO, seen([]))
  const lineB = reader('b1', 2)
  assert.equal(nextStep(opened, TO, seen([lineB, reader('a1', 2, 100, [0])])).do, 'wait')
  assert.equal(nextStep(opened, TO, seen([lineB, reader('a1', 2, 100, [0]), reader('a2', 2, 2100, [1])])).do, 'wait')
  assert.equal(nextStep(opened, TO, seen([lineB, reader('a1', 2, 100, [0]), reader('a2', 2, 100, [1])])).do, 'write')
})

test('the moment is not set before whoever reads the next topic reads all of the current one', () => {
  const opened = written(START, TO, seen([]))
  const halfway = [...BOTH.filter(({ leased }) => leased.generation === 2), reader('b1', 1), reader('a1', 1, 100, [0])]
  const step = nextStep(opened, TO, seen(halfway))
  assert.match(step.do + step.say, /^wait.*all of generation 1 .* a1 \(version/)
  assert.equal(nextStep(opened, TO, seen([...halfway.slice(0, 3), reader('a1', 1, 100, [0, 1])])).do, 'write')
  const pinned = reader('b2', 1, 100, [1])
  assert.equal(nextStep(opened, TO, seen([...BOTH, pinned])).do, 'write', 'one that does not come along is not waited for')
})

test('a topic of which a node cannot decode the records is refused, unless some is let pass', () => {
  const opened = written(START, TO, seen([]))
  const puzzled = BOTH.map((each) => (each.leased.generation === 2 ? { ...each, leased: { ...each.leased, unreadable: 0.4 } } : each))
  const step = nextStep(opened, TO, seen(puzzled))
  assert.match(step.do + step.say, /^refusea1 \(version.*40 % .*rollback/)
  assert.equal(nextStep(opened, TO, seen(puzzled, 0, { unreadableMax: 1 })).do, 'write')
})

test('a line that is required but not there is waited for', () => {
  const opened = written(START, TO, seen([]))
  assert.equal(nextStep(opened, TO, seen([reader('a1', 2)], 0, { linesRequired: ['A', 'B'] })).do, 'wait')
})

/** Runs a rollback, or a migration, through all of its steps. @returns the catalogue's states, the last one settled. */
function through(feed: CatalogueFeed, goalOf: (feed: CatalogueFeed) => MigrationGoal, stopAfter = 10): CatalogueFeed[] {
  const states = [feed]
  for (let i = 1; i <= stopAfter; i++) {
    const generation = feed.next?.generation ?? feed.current.generation
    const step = nextStep(feed, goalOf(feed), seen([reader('a1', generation), reader('b1', generation)], i * 7000))
    if (step.do === 'write') states.push((feed = step.feed))
    else if (step.do !== 'wait') return states
  }
  return states
}

test('a rollback gives up what is being opened, and its number is spent', () => {
  const given = written(written(START, TO, seen([])), rollbackGoal(written(START, TO, seen([])))!, seen([]))
  assert.deepEqual([standingOf(given), given.current.generation, given.retired[0]?.generation], ['settled', 1, 2])
  assert.equal(nextStep(given, rollbackGoal(given)!, seen([])).do, 'done')
  assert.equal(written(given, TO, seen([])).next?.generation, 3)
  assert.equal(rollbackGoal(START), undefined)
})

test('a rollback after the switch goes back to the former topic as a newer generation; asked again, it is done', () => {
  const moved = through(START, () => TO).at(-1)!
  assert.equal(moved.current.topic, 'quotes-v8')
  const back = through(moved, (feed) => rollbackGoal(feed)!).at(-1)!
  assert.deepEqual([back.current.generation, back.current.topic, standingOf(back)], [3, 'quotes', 'settled'])
  assert.equal(nextStep(back, rollbackGoal(back)!, seen([])).do, 'done')
})

test('a migration or a rollback that is stopped after any step is finished by the same command', () => {
  for (const [from, goalOf, topic] of [
    [START, () => TO, 'quotes-v8'],
    [through(START, () => TO).at(-1)!, (feed: CatalogueFeed) => rollbackGoal(feed)!, 'quotes'],
  ] as const) {
    for (let stop = 0; stop < 6; stop++) {
      const stopped = through(from, goalOf, stop).at(-1)!
      const done = through(stopped, goalOf).at(-1)!
      assert.deepEqual([done.current.topic, standingOf(done)], [topic, 'settled'], `stopped after ${stop}`)
    }
  }
})

test('a migration can be rolled back at any point', () => {
  for (let stop = 1; stop < 6; stop++) {
    const stopped = through(START, () => TO, stop).at(-1)!
    const goal = rollbackGoal(stopped)!
    const back = through(stopped, () => goal).at(-1)!
    assert.deepEqual([back.current.topic, standingOf(back)], ['quotes', 'settled'], `stopped after ${stop}`)
  }
})

test('another migration is refused while one is under way', () => {
  const step = nextStep(written(START, TO, seen([])), { topic: 'other' }, seen([]))
  assert.match(step.do + step.say, /^refuse.*quotes-v8.*feed rollback quote/)
})

test('a topic of the same name in another cluster is another place', () => {
  const step = nextStep(START, { topic: 'quotes', brokers: ['k2:9092'] }, seen([]))
  assert.deepEqual(step.do === 'write' && step.feed.next, { generation: 2, topic: 'quotes', brokers: ['k2:9092'] })
})

test('a node follows the catalogue, unless its configuration was raised above all of it', () => {
  const configured = { generation: 1, topic: 'quotes' }
  assert.deepEqual(generationsOf(undefined, configured), { current: configured, next: null })
  const opened = written(START, TO, seen([]))
  assert.deepEqual(generationsOf(opened, configured).next, opened.next)
  assert.equal(generationsOf(opened, { generation: 3, topic: 'by-hand' }).current.topic, 'by-hand')
})

/** Two operators who see the catalogue late, at nodes that do what they like: whatever happens, it stays sound. */
test('property: no number means two places, current only grows, and the moment of a switch is set once', () => {
  const operator = fc.record({
    goal: fc.constantFrom<MigrationGoal | 'back'>(TO, 'back', AWAY),
    /** How many revisions ago it looked. */
    lag: fc.nat(2),
    fresh: fc.subarray(['a1', 'b1']),
    both: fc.boolean(),
    passMs: fc.nat(6000),
  })
  fc.assert(
    fc.property(fc.array(operator, { maxLength: 40 }), (moves) => {
      const log: CatalogueFeed[] = [START]
      const places = new Map<number, string>([[1, 'quotes']])
      const moments = new Map<number, number>()
      let nowMs = 0
      for (const { goal, lag, fresh, both, passMs } of moves) {
        nowMs += passMs
        const newest = log.at(-1)!
        const looked = log.at(-1 - Math.min(lag, log.length - 1))!
        const generation = looked.next?.generation ?? 0
        const readers = fresh.flatMap((node) => [reader(node, generation), ...(both ? [reader(node, looked.current.generation)] : [])])
        const step = nextStep(
          looked,
          goal === 'back' ? (rollbackGoal(looked) ?? TO) : goal,
          seen(readers, nowMs, { linesRequired: ['A', 'B'] }),
        )
        if (step.do !== 'write' || step.feed.revision <= newest.revision) continue
        checkStep(newest, step.feed, fresh, both, nowMs)
        for (const { generation: number, topic } of generationsIn(step.feed)) {
          assert.equal(places.get(number) ?? topic, topic)
          places.set(number, topic)
        }
        const { next } = step.feed
        if (next?.fromMs !== undefined) {
          assert.equal(moments.get(next.generation) ?? next.fromMs, next.fromMs)
          moments.set(next.generation, next.fromMs)
        }
        log.push(step.feed)
      }
    }),
    { numRuns: 2000 },
  )
})

test('property: from anywhere a goal is reached once nodes do their part, and then nothing more is written', () => {
  const start = fc.array(fc.constantFrom<MigrationGoal | 'back'>(TO, 'back', AWAY), { maxLength: 12 })
  fc.assert(
    fc.property(start, fc.constantFrom<MigrationGoal>(TO, AWAY), (moves, goal) => {
      let feed = START
      let nowMs = 0
      const step = (wanted: MigrationGoal | 'back') => {
        const generation = feed.next?.generation ?? feed.current.generation
        const readers = ['a1', 'b1'].map((node) => reader(node, generation))
        nowMs += 4000
        const taken = nextStep(feed, wanted === 'back' ? (rollbackGoal(feed) ?? TO) : wanted, seen(readers, nowMs))
        if (taken.do === 'write') feed = taken.feed
        return taken
      }
      for (const move of moves) step(move)
      const doing = []
      for (let i = 0; i < 8; i++) {
        const taken = step(goal)
        doing.push(taken.do)
        if (taken.do === 'refuse') step('back')
      }
      assert.equal(doing.at(-1), 'done', doing.join())
      assert.equal(feed.current.topic, goal.topic)
    }),
  )
})

function checkStep(before: CatalogueFeed, after: CatalogueFeed, fresh: readonly string[], both: boolean, nowMs: number): void {
  assert.ok(after.current.generation >= before.current.generation)
  assert.equal(after.revision, before.revision + 1)
  assert.ok(newestGeneration(after) >= newestGeneration(before))
  const isAnnounced = standingOf(after) === 'switching' && standingOf(before) !== 'switching'
  if (isAnnounced) assert.ok(fresh.length === 2 && after.next!.fromMs! > nowMs)
  if (after.current !== before.current) {
    assert.equal(standingOf(before), 'switching')
    assert.ok(fresh.length === 2 && !both && nowMs >= before.next!.fromMs!)
  }
  // What nodes do at a moment that was announced nobody takes back.
  if (standingOf(before) === 'switching') assert.ok(after.current.generation === before.next!.generation)
}

function generationsIn({ current, next, retired }: CatalogueFeed): FeedGeneration[] {
  return [current, ...(next === null ? [] : [next]), ...retired]
}
