/** deploy/prometheus, as promtool sees it: what is there is well formed, each alert fires when it should and is quiet before. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { promtool } from '../support/prometheus.ts'

const root = join(import.meta.dirname, '../..')
const directory = join(root, 'deploy/prometheus')
const ruleTests = globSync('tests/*.test.yml', { cwd: directory }).sort()

interface Rule {
  readonly alert?: string
  readonly labels?: { readonly severity?: string }
  readonly annotations?: Readonly<Record<string, string>>
}
interface Check {
  readonly expr: string
  readonly exp_samples: readonly unknown[]
}

const alerts = globSync('rules/*.yml', { cwd: directory })
  .flatMap((file) => (parse(readFileSync(join(directory, file), 'utf8')) as { groups: { rules: Rule[] }[] }).groups)
  .flatMap(({ rules }) => rules)
  .filter((rule): rule is Rule & { alert: string } => rule.alert !== undefined)
const checks = ruleTests
  .flatMap((file) => (parse(readFileSync(join(directory, file), 'utf8')) as { tests: { promql_expr_test: Check[] }[] }).tests)
  .flatMap(({ promql_expr_test }) => promql_expr_test)

test('promtool takes configuration and rules', () => {
  const { ok, output } = promtool('check', 'config', join(directory, 'prometheus.yml'))
  assert.ok(ok, output)
  assert.match(output, /SUCCESS: 3 rule files found/)
})

for (const file of ruleTests) {
  test(`rules hold: ${file}`, () => {
    const { ok, output } = promtool('test', 'rules', join(directory, file))
    assert.ok(ok, output)
  })
}

test('each alert is shown to fire, and to be quiet', () => {
  assert.ok(alerts.length > 25)
  for (const { alert } of alerts) {
    const own = checks.filter(({ expr }) => expr.includes(`alertname="${alert}", alertstate="firing"`))
    assert.ok(
      own.some(({ exp_samples }) => exp_samples.length > 0),
      `${alert} never fires in a test`,
    )
    assert.ok(
      own.some(({ exp_samples }) => exp_samples.length === 0),
      `${alert} is never quiet in a test`,
    )
  }
})

test('each alert says how urgent it is, what is the matter and where it is explained, and docs/alerts.md explains no other', () => {
  const sections = [...readFileSync(join(root, 'docs/alerts.md'), 'utf8').matchAll(/^### (Pulsewire\w+)\n\n\*(\w+)\.\* /gm)]
  assert.deepEqual(
    sections.map(([, name, severity]) => `${name} ${severity}`).sort(),
    alerts.map(({ alert, labels }) => `${alert} ${labels?.severity}`).sort(),
  )
  for (const { alert, labels, annotations } of alerts) {
    assert.ok(['critical', 'warning'].includes(labels?.severity ?? ''), alert)
    assert.deepEqual(Object.keys(annotations ?? {}), ['summary', 'description', 'runbook'], alert)
    assert.equal(annotations?.['runbook'], `docs/alerts.md#${alert.toLowerCase()}`)
  }
})
