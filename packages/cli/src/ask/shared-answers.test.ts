import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { SharedAnswers } from './shared-answers.ts'

test('the same question is put once while it is under way and soon after, also where it fails', async () => {
  const clock = new ManualClock()
  const shared = new SharedAnswers<string>(clock, 2000)
  const puts: PromiseWithResolvers<string>[] = []
  const ask = () => {
    const put = Promise.withResolvers<string>()
    puts.push(put)
    return put.promise
  }
  const first = [shared.of('push-a1', ask), shared.of('push-a1', ask)]
  const other = shared.of('gw-1', ask)
  assert.equal(puts.length, 2)
  clock.advance(60_000)
  assert.equal(puts.length, 2, 'however long it takes')
  puts[0]!.resolve('well')
  puts[1]!.reject(new Error('no answer'))
  assert.deepEqual(await Promise.all(first), ['well', 'well'])
  await assert.rejects(other, /no answer/)
  clock.advance(1999)
  assert.equal(await shared.of('push-a1', ask), 'well')
  await assert.rejects(shared.of('gw-1', ask), /no answer/)
  clock.advance(1)
  void shared.of('push-a1', ask)
  void shared.of('gw-1', ask)
  assert.equal(puts.length, 4)
})
