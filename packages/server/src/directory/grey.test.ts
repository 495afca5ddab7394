import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GreyPolicy, greyDigest } from './grey.ts'

const USERS = Array.from({ length: 20_000 }, (_, i) => `user-${i}`)
const of = (percent: number, users: readonly string[] = []) => new GreyPolicy({ percent, users: users.map(greyDigest), atMs: 1 })
const those = (policy: GreyPolicy) => USERS.filter((user) => policy.includes(user))

test('a part of all users is that part, the same ones for everybody who asks, and stays within a larger one', () => {
  const five = those(of(5))
  assert.ok(Math.abs(five.length / USERS.length - 0.05) < 0.005, String(five.length))
  assert.deepEqual(those(of(5)), five)
  const ten = new Set(those(of(10)))
  assert.ok(five.every((user) => ten.has(user)))
  assert.deepEqual([those(of(0)).length, those(of(100)).length], [0, USERS.length])
})

test('users who are named take part whatever the part is, by their digests alone', () => {
  const policy = of(0, ['jo', 'ma'])
  assert.deepEqual(
    ['jo', 'ma', 'al'].map((user) => policy.includes(user)),
    [true, true, false],
  )
  assert.ok(!JSON.stringify(policy.release).includes('jo'))
})
