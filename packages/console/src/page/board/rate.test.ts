import assert from 'node:assert/strict'
import { it } from 'node:test'
import { RateMeter } from './rate.ts'

it('RateMeter tells events per second over its window, and forgets what lies before it', () => {
  const meter = new RateMeter(2_000)
  assert.equal(meter.perSecond(0), 0)
  meter.add(50)
  assert.equal(meter.perSecond(500), 100)
  meter.add(50)
  assert.equal(meter.perSecond(2_000), 50)
  assert.equal(meter.perSecond(4_000), 0)
})
