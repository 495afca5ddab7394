import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REVOCATIONS_MAX, RevocationTable, revocationKey } from './revocations.ts'

const of = (name: string, untilMs: number) => ({ of: 'user', name, atMs: 1, untilMs }) as const

test('a revocation is found by what it means, until it is removed; each change shows', () => {
  const table = new RevocationTable()
  assert.equal(table.find('user', 'jo'), undefined)
  table.set(revocationKey('user', 'jo'), of('jo', 10))
  assert.equal(table.find('user', 'jo')?.untilMs, 10)
  assert.equal(table.find('jti', 'jo'), undefined)
  const { version } = table
  table.set(revocationKey('user', 'jo'), of('jo', 20))
  assert.ok(table.version > version)
  assert.deepEqual([table.size, table.over(15), table.over(21)], [1, [], [revocationKey('user', 'jo')]])
  table.remove(revocationKey('user', 'jo'))
  table.remove('unknown')
  assert.deepEqual([table.size, table.find('user', 'jo')], [0, undefined])
})

test('more than are kept push out those that end first', () => {
  const table = new RevocationTable()
  for (let n = 0; n < REVOCATIONS_MAX; n++) assert.equal(table.set(`k${n}`, of(`u${n}`, n === 500 ? 1 : 1000)), undefined)
  assert.equal(table.set('last', of('last', 1000))?.name, 'u500')
  assert.deepEqual([table.size, table.find('user', 'u500'), table.find('user', 'last')?.name], [REVOCATIONS_MAX, undefined, 'last'])
})
