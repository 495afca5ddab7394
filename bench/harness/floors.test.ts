import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verdicts } from './floors.ts'
import type { Measurement } from './loads.ts'
import { medians } from './results.ts'
import { measurementTables, verdictTable } from './table.ts'

function stream(load: 'A' | 'B', peer: string, cpuMicrosPerUpdate: number): Measurement {
  return { load, peer, cpuMicrosPerUpdate, bytesPerUpdate: 200 }
}

test('a floor compares with the reference under the same load', () => {
  const list = verdicts([stream('A', 'pulsewire', 7), stream('A', 'centrifuge', 10), stream('B', 'centrifuge', 1)])
  const cpu = list.filter(({ floor }) => floor.includes('CPU per update, one process'))
  assert.deepEqual(
    cpu.map(({ measured, verdict }) => [measured, verdict]),
    [
      [0.7, 'pass'],
      [undefined, 'not measured'],
    ],
  )
})

test('a peer that did not keep up is nothing to compare with', () => {
  const starved = { ...stream('A', 'centrifuge', 10), deliveredShare: 0.5 }
  const list = verdicts([{ ...stream('A', 'pulsewire', 5), deliveredShare: 1 }, starved])
  assert.deepEqual(
    new Set(
      list.filter(({ floor }) => floor.startsWith('A: bytes') || floor.startsWith('A: CPU per update, one')).map((each) => each.verdict),
    ),
    new Set(['not comparable']),
  )
})

test('intake is a floor from below, memory from above', () => {
  const find = (list: ReturnType<typeof verdicts>, start: string) => list.find(({ floor }) => floor.startsWith(start))?.verdict
  const good = verdicts([
    { load: 'E', peer: 'pulsewire', recordsPerCpuSecond: 250_000 },
    { load: 'D', peer: 'pulsewire', bytesPerConnection: 15_999 },
  ])
  assert.deepEqual([find(good, 'E'), find(good, 'D')], ['pass', 'pass'])
  const bad = verdicts([
    { load: 'E', peer: 'pulsewire', recordsPerCpuSecond: 150_000 },
    { load: 'D', peer: 'pulsewire', bytesPerConnection: 16_001 },
  ])
  assert.deepEqual([find(bad, 'E'), find(bad, 'D')], ['FAIL', 'FAIL'])
})

test('rounds count by their median, per peer and load', () => {
  const rounds = [stream('A', 'centrifuge', 30), stream('A', 'centrifuge', 10), stream('A', 'centrifuge', 20), stream('A', 'nats', 5)]
  assert.deepEqual(
    medians(rounds).map((each) => [each.peer, each.cpuMicrosPerUpdate]),
    [
      ['centrifuge', 20],
      ['nats', 5],
    ],
  )
})

test('tables show what is missing as missing', () => {
  const table = measurementTables([stream('A', 'centrifuge', 10), stream('A', 'nats', 15)])
  assert.match(table, /nats +15\.00 +1\.50 +– /)
  assert.match(verdictTable(verdicts([])), /not measured/)
})
