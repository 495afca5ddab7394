import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PatternPositions } from './resume.ts'

const isHk = (name: string) => name.endsWith('.HK')

test('positions of a pattern that waits are kept of names that can come alone, and of no more than may be held', () => {
  const positions = new PatternPositions()
  const from = { 'A.HK': '1:0:5', 'A.US': '1:0:5', [`${'x'.repeat(70)}.HK`]: '1:0:5', 'B.HK': '1'.repeat(1000), 'C.HK': '1:0:7' }
  positions.remember('1 *.HK', { from, since: { 'A.HK': '1:0:2' } }, isHk, 2)
  positions.remember('1 *.HK', { from: { 'A.HK': '1:0:6', 'D.HK': '1:0:1' } }, isHk, 2)
  assert.equal(positions.size, 2)
  const begins = positions.take('1 *.HK')
  assert.deepEqual(begins('A.HK'), { from: '1:0:6', since: '1:0:2' })
  assert.deepEqual(begins('C.HK'), { from: '1:0:7', since: undefined })
  assert.deepEqual(['A.US', 'B.HK', 'D.HK'].map(begins), [undefined, undefined, undefined])
  assert.equal(positions.size, 0)
})
