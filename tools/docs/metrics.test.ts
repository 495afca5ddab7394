import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { METRICS } from '../../packages/server/src/metrics/table.ts'
import { THREAD_METRICS } from '../../packages/server/src/runtime/watchdog/thread-metrics.ts'

const markdown = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8')

test('docs/metrics.md lists every metric, in the words of the code, and no other', () => {
  const rows = markdown.split('\n').filter((line) => line.startsWith('| `pulsewire_'))
  const own = METRICS.map(
    ({ name, type, labels, help }) => `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  )
  const thread = Object.entries(THREAD_METRICS).map(([name, help]) => `| \`${name}\` | gauge |  | ${help} |`)
  const info = '| `pulsewire_info` | gauge | `version` | Always 1: the version that runs. |'
  assert.deepEqual(rows, [info, ...own, ...thread])
})

test('names follow the conventions: counters end in _total, times are seconds, sizes bytes', () => {
  for (const { name, type, help } of METRICS) {
    assert.match(name, /^pulsewire_[a-z_]+$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
    assert.doesNotMatch(name, /_(ms|millis|kb|mb|count)(_|$)/)
    assert.match(help, /\.$/)
  }
})
