import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { TRACE_CODES } from '../../packages/server/src/trace/codes.ts'

test('docs/trace.md lists what a trace can find as the code has it', () => {
  const markdown = readFileSync(join(import.meta.dirname, '../../docs/trace.md'), 'utf8')
  const found = markdown
    .split('## What can be found')[1]!
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  const expected = Object.entries(TRACE_CODES).map(([code, [meaning, remedy]]) => `| \`${code}\` | ${meaning} | ${remedy} |`)
  assert.deepEqual(found, expected)
})
