import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldDictionary } from './dictionary.ts'
import { Views } from './view.ts'

test('the same choice is the same view, in whatever order and however often its names come', () => {
  const views = new Views(new FieldDictionary())
  const view = views.open(['last', 'bid'])
  assert.equal(views.open(['bid', 'last', 'bid']), view)
  assert.notEqual(views.open(['last']), view)
  assert.equal(views.open(undefined), views.all)
})

test('a chosen field joins when the first record brings it', () => {
  const dictionary = new FieldDictionary()
  const view = new Views(dictionary).open(['late'])
  dictionary.indexOf('early')
  assert.equal(view.includes(0), false)
  const late = dictionary.indexOf('late')
  assert.equal(view.includes(late), true)
})

test('the view of all fields includes those that are not there yet', () => {
  assert.equal(new Views(new FieldDictionary()).all.includes(17), true)
})

test('a view that nobody uses any more is forgotten: receivers choose freely, so choices must not pile up', () => {
  const views = new Views(new FieldDictionary())
  const view = views.open(['last'])
  views.open(['last'])
  views.close(view)
  assert.equal(views.open(['last']), view, 'still used by one')
  views.close(view)
  views.close(view)
  assert.equal(views.size, 0)
  assert.notEqual(views.open(['last']), view)
  views.close(views.all)
  assert.equal(views.open(undefined), views.all)
})
