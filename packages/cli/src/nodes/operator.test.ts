import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { operatorOf } from './operator.ts'

test('who says something is the user at the host, or whom the command names, and never more than is read', () => {
  for (const flags of [undefined, {}, { by: ' ' }]) assert.match(operatorOf(flags), new RegExp(`^.+@${hostname()}$`))
  assert.equal(operatorOf({ by: ' deploy job 17 ' }), 'deploy job 17')
  assert.equal(operatorOf({ by: 'x'.repeat(500) }).length, 128)
})
