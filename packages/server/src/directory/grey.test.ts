import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GreyBook, GreyPolicy, greyDigest } from './grey.ts'
import { laterThan } from './words.ts'

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

test('property: at a fixed part nobody changes sides, whoever asks and whenever it was said; from one part to another only those move who must', () => {
  const name = fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' })
  const part = fc.double({ min: 0, max: 100, noNaN: true })
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 50 }), part, part, fc.nat(), (users, p, q, atMs) => {
      const [few, many] = [Math.min(p, q), Math.max(p, q)]
      const before = new GreyPolicy({ percent: few, users: [], atMs })
      const again = new GreyPolicy({ percent: few, users: [], atMs: atMs + 1 })
      const after = new GreyPolicy({ percent: many, users: [], atMs })
      for (const user of users) {
        assert.equal(again.includes(user), before.includes(user), 'flipped at a fixed percent')
        if (before.includes(user)) assert.ok(after.includes(user), 'left although the part grew')
      }
    }),
    { numRuns: 500 },
  )
  const moved = (from: number, to: number) =>
    USERS.filter((user) => of(from).includes(user) !== of(to).includes(user)).length / USERS.length
  for (const [from, to] of [
    [5, 5],
    [5, 6],
    [5, 20],
    [50, 10],
    [0, 100],
  ] as const)
    assert.ok(Math.abs(moved(from, to) - Math.abs(to - from) / 100) < 0.01, `${from} to ${to} moved ${moved(from, to)} of all`)
})

test('a stop ends the release that it names and no other: what an operator sets afterwards counts', () => {
  const stop = { of: 1, by: 'lb-1', reason: 'worse', atMs: 2 }
  const release = { percent: 100, users: [], atMs: 1 }
  assert.equal(new GreyPolicy(release, stop).includes('jo'), false)
  assert.equal(new GreyPolicy(release, stop).stopped, stop)
  assert.equal(new GreyPolicy({ ...release, atMs: 3 }, stop).includes('jo'), true)
  assert.equal(new GreyPolicy({ ...release, atMs: 3 }, stop).stopped, null)
})

test('of what was said the latest counts, in whichever order it is read, and so does the first stop of the latest release', () => {
  const release = (atMs: number, percent: number) => ({ percent, users: [], atMs })
  const stop = (of: number, by: string) => ({ of, by, reason: 'worse', atMs: 9 })
  const book = new GreyBook()
  assert.equal(book.saidAtMs, 0)
  assert.equal(book.say(release(5, 100)), true)
  assert.equal(book.say(release(4, 10)), false)
  assert.equal(book.policy?.release.percent, 100)
  assert.equal(book.stop(stop(5, 'lb-1')), true)
  assert.equal(book.stop(stop(5, 'lb-2')), false)
  assert.equal(book.stop(stop(4, 'lb-2')), false)
  assert.equal(book.policy?.stopped?.by, 'lb-1')
  assert.equal(book.say(release(6, 0)), true)
  assert.equal(book.say(release(5, 100)), false, 'nobody takes part any more')
  assert.deepEqual([book.policy, book.saidAtMs], [null, 6])
})

test('what follows something that was said is said later, whatever the clock of who says it', () => {
  assert.deepEqual([laterThan(0, 7.6), laterThan(7, 7.6), laterThan(1000, 7)], [7, 8, 1001])
})
