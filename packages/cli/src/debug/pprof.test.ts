import assert from 'node:assert/strict'
import { type Profiler, Session } from 'node:inspector/promises'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import { pprofOf } from './pprof.ts'

const ENDED_AT_MS = 1_800_000_000_000

function node(id: number, functionName: string, children: number[] = [], more: Partial<Profiler.ProfileNode> = {}): Profiler.ProfileNode {
  const callFrame = { functionName, scriptId: '7', url: 'file:///srv/own%20code.ts', lineNumber: 10 * id - 1, columnNumber: 0 }
  return { id, callFrame, children, ...more }
}

function rootsOf(count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += Math.sqrt(i)
  return sum
}

/** What pprof would read: each sample as `line function` from within, with its values. */
async function read(profile: Profiler.Profile) {
  const pprof = Profile.decode(gunzipSync(await pprofOf(profile, ENDED_AT_MS)))
  const text = (index: number | bigint | undefined): string => pprof.stringTable.strings[Number(index)]!
  const functions = new Map(pprof.function.map((each) => [Number(each.id), each]))
  const locations = new Map(pprof.location.map((each) => [Number(each.id), each]))
  const samples = pprof.sample.map(({ locationId, value }) => ({
    stack: locationId.map((id) => {
      const [line] = locations.get(Number(id))!.line
      return `${line!.line} ${text(functions.get(Number(line!.functionId))!.name)}`
    }),
    count: Number(value[0]),
    ns: Number(value[1]),
  }))
  return { pprof, text, samples }
}

describe('a CPU profile for pprof', () => {
  const nodes = [
    node(1, '(root)', [2, 4]),
    node(2, 'outer', [3]),
    node(3, '', [], {
      positionTicks: [
        { line: 31, ticks: 1 },
        { line: 33, ticks: 2 },
      ],
    }),
    node(4, '(idle)'),
  ]

  test('has stacks from within, time until the next sample, shared out over the lines where V8 saw them', async () => {
    const profile = { nodes, startTime: 1000, endTime: 2000, samples: [3, 2, 3, 4, 3], timeDeltas: [100, 100, 100, 100, 200] }
    const { pprof, text, samples } = await read(profile)
    assert.deepEqual(samples, [
      { stack: ['31 (anonymous)', '20 outer'], count: 1, ns: 233_000 },
      { stack: ['33 (anonymous)', '20 outer'], count: 2, ns: 467_000 },
      { stack: ['20 outer'], count: 1, ns: 100_000 },
      { stack: ['40 (idle)'], count: 1, ns: 200_000 },
    ])
    assert.deepEqual(
      pprof.sampleType.map(({ type, unit }) => `${text(type)}/${text(unit)}`),
      ['samples/count', 'wall/nanoseconds'],
    )
    assert.equal(text(pprof.defaultSampleType), 'wall')
    assert.equal(text(pprof.function[0]!.filename), '/srv/own code.ts')
    assert.deepEqual([BigInt(pprof.durationNanos), BigInt(pprof.timeNanos)], [1_000_000n, BigInt(ENDED_AT_MS - 1) * 1_000_000n])
  })

  test('takes samples that V8 wrote down out of order, and a profile without any', async () => {
    const { samples } = await read({ nodes, startTime: 0, endTime: 50, samples: [2, 4, 2], timeDeltas: [10, 30, -10] })
    assert.deepEqual(
      samples.map(({ stack, ns }) => [stack[0], ns]),
      [
        ['20 outer', 40_000],
        ['40 (idle)', 10_000],
      ],
    )
    assert.deepEqual((await read({ nodes, startTime: 0, endTime: 50 })).samples, [])
  })

  test('of this very process adds up to the time it took', async () => {
    const session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: 500 })
    await session.post('Profiler.start')
    assert.ok(rootsOf(5e7) > 0)
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    const { samples } = await read(profile)
    const total = (of: 'ns' | 'count'): number => samples.reduce((all, each) => all + each[of], 0)
    assert.equal(total('ns'), (profile.endTime - profile.startTime) * 1000)
    assert.equal(total('count'), profile.samples!.length)
    assert.ok(samples.some(({ stack }) => / rootsOf$/.test(stack[0]!) && / \(anonymous\)$/.test(stack[1]!)))
  })
})
