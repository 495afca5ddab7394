import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatReport } from './format.ts'

test('of a report, what matters is said at once: why it was written, and where the main thread was', () => {
  const report = {
    at: '2026-11-29T03:00:00.000Z',
    reason: 'blocked',
    message: 'the event loop has been blocked',
    stack: ['spin (a.ts:1:2)'],
  }
  assert.equal(
    formatReport(JSON.stringify(report)),
    'written at 2026-11-29T03:00:00.000Z: blocked: the event loop has been blocked\n  spin (a.ts:1:2)',
  )
  assert.equal(formatReport(JSON.stringify({ ...report, reason: 'stuck', stack: null })).split('\n').length, 1)
})

test('a report that Node wrote, or one that is cut short, is no mistake', () => {
  const header = { event: 'Allocation failed', dumpEventTime: '2026-11-29T03:00:00Z' }
  assert.equal(formatReport(JSON.stringify({ header })), "Node's own: Allocation failed at 2026-11-29T03:00:00Z")
  assert.equal(formatReport('{"format":'), 'no report of a watchdog')
})
