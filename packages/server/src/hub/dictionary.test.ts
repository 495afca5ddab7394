import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldDictionary } from './dictionary.ts'

test('fields get indexes in the order in which they come, once', () => {
  const dictionary = new FieldDictionary()
  assert.deepEqual(
    ['last', 'bid', 'last'].map((name) => dictionary.indexOf(name)),
    [0, 1, 0],
  )
  assert.equal(dictionary.find('bid'), 1)
  assert.equal(dictionary.find('ask'), undefined)
  assert.equal(dictionary.revision, 2)
})

test('names of Object.prototype are names like others', () => {
  const dictionary = new FieldDictionary()
  assert.equal(dictionary.find('constructor'), undefined)
  assert.equal(dictionary.indexOf('__proto__'), 0)
  assert.equal(dictionary.indexOf('constructor'), 1)
})

test('a full dictionary takes no more names and keeps those it has', () => {
  const dictionary = new FieldDictionary(2)
  assert.deepEqual(
    ['a', 'b', 'c', 'a'].map((name) => dictionary.indexOf(name)),
    [0, 1, -1, 0],
  )
  assert.equal(dictionary.fields.length, 2)
})

test('a scale grows to what a value needs, raises the revision of that field alone, and never shrinks', () => {
  const dictionary = new FieldDictionary()
  dictionary.indexOf('last')
  dictionary.indexOf('bid')
  const before = dictionary.revision
  assert.equal(dictionary.fit(0, 187.25), true)
  assert.deepEqual([dictionary.fields[0]!.scale, dictionary.fields[0]!.revision, dictionary.revision], [2, before + 1, before + 1])
  assert.ok(dictionary.fields[1]!.revision <= before)
  assert.equal(dictionary.fit(0, 187), false)
  assert.equal(dictionary.fit(0, 187.5), false)
  assert.equal(dictionary.fields[0]!.scale, 2)
})

test('values that no scale makes whole, and values that are no numbers, leave the scale alone', () => {
  const dictionary = new FieldDictionary()
  dictionary.indexOf('last')
  for (const value of [1 / 3, 1e300, NaN, Infinity, 'text', null, true, undefined, { nested: 1.5 }])
    assert.equal(dictionary.fit(0, value), false)
  assert.equal(dictionary.fields[0]!.scale, 0)
})
