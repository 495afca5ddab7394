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
  assert.deepEqual(cpu.map(({ measured, passed }) => [measured, passed]), [[0.7, true], [undefined, undefined]])
})

test('intake is a floor from below, memory from above', () => {
  const find = (list: ReturnType<typeof verdicts>, start: string) => list.find(({ floor }) => floor.startsWith(start))?.passed
  const good = verdicts([{ load: 'E', peer: 'pulsewire', recordsPerCpuSecond: 250_000 }, { load: 'D', peer: 'pulsewire', bytesPerConnection: 15_999 }])
  assert.deepEqual([find(good, 'E'), find(good, 'D')], [true, true])
  const bad = verdicts([{ load: 'E', peer: 'pulsewire', recordsPerCpuSecond: 150_000 }, { load: 'D', peer: 'pulsewire', bytesPerConnection: 16_001 }])
  assert.deepEqual([find(bad, 'E'), find(bad, 'D')], [false, false])
})

test('rounds count by their median, per peer and load', () => {
  const rounds = [stream('A', 'centrifuge', 30), stream('A', 'centrifuge', 10), stream('A', 'centrifuge', 20), stream('A', 'nats', 5)]
  assert.deepEqual(medians(rounds).map((each) => [each.peer, each.cpuMicrosPerUpdate]), [['centrifuge', 20], ['nats', 5]])
})

test('tables show what is missing as missing', () => {
  const table = measurementTables([stream('A', 'centrifuge', 10), stream('A', 'nats', 15)])
  assert.match(table, /nats +15\.00 +1\.50 +– /)
  assert.match(verdictTable(verdicts([])), /not measured/)
})
