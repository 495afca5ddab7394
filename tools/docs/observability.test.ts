/** Dashboards and rules name only metrics that there are, with labels that these have. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { parse } from 'yaml'
import { METRICS } from '../../packages/server/src/metrics/table.ts'
import { THREAD_METRICS } from '../../packages/server/src/runtime/watchdog/thread-metrics.ts'
import { namesIn, resultLabels } from './promql.ts'

const root = join(import.meta.dirname, '../..')
/** What Prometheus and the node add to each sample. */
const OF_ALL = ['job', 'instance', 'node']

interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly annotations?: Readonly<Record<string, string>>
}

const rules = globSync('deploy/prometheus/rules/*.yml', { cwd: root })
  .flatMap((file) => (parse(readFileSync(join(root, file), 'utf8')) as { groups: { rules: Rule[] }[] }).groups)
  .flatMap((group) => group.rules)

/** Labels by metric. */
const known = new Map<string, readonly string[]>([
  ['up', OF_ALL],
  ['ALERTS', ['alertname', 'alertstate', 'severity', 'feed', ...OF_ALL]],
  ['pulsewire_info', ['version', ...OF_ALL]],
  ...Object.keys(THREAD_METRICS).map((name) => [name, OF_ALL] as const),
  ...METRICS.flatMap(({ name, type, labels }) =>
    type === 'histogram'
      ? [
          [`${name}_bucket`, ['le', ...labels, ...OF_ALL]] as const,
          ...['_sum', '_count'].map((suffix) => [name + suffix, [...labels, ...OF_ALL]] as const),
        ]
      : [[name, [...labels, ...OF_ALL]] as const],
  ),
  ...(await ofNode()),
  // Of what is recorded: the labels that its level names, and those that a feed or role is within.
  ...rules.flatMap(({ record }) => {
    const level = record?.split(':')[0]?.split('_') ?? []
    return record === undefined ? [] : [[record, [...level, ...(level.includes('node') ? [...OF_ALL, 'role'] : ['job'])]] as const]
  }),
])

/** Node's own, as prom-client names them. */
async function ofNode(): Promise<[string, readonly string[]][]> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const metrics = await registry.getMetricsAsJSON()
  registry.clear()
  return metrics.flatMap(({ name, type, values }) => {
    const labels = [...OF_ALL, 'kind', ...values.flatMap((value) => Object.keys(value.labels))]
    return String(type) === 'histogram'
      ? ['_bucket', '_sum', '_count'].map((suffix): [string, string[]] => [name + suffix, labels])
      : [[name, labels]]
  })
}

/** What is wrong with the expression, or with labels that are shown with its samples. */
function problemsOf(expression: string, shown: readonly string[] = []): string[] {
  const { selectors, grouping } = namesIn(expression)
  const all = selectors.flatMap(({ metric }) => known.get(metric) ?? [])
  const result = resultLabels(expression, (metric) => known.get(metric) ?? [])
  return [
    ...selectors.filter(({ metric }) => !known.has(metric)).map(({ metric }) => `there is no ${metric}`),
    ...selectors.flatMap(({ metric, labels }) =>
      labels.filter((label) => known.get(metric)?.includes(label) === false).map((label) => `${metric} has no ${label}`),
    ),
    ...grouping.filter((label) => !all.includes(label)).map((label) => `nothing in it has ${label}`),
    ...shown.filter((label) => !result.includes(label)).map((label) => `its result has no ${label}`),
  ].map((problem) => `${problem}: ${expression}`)
}

test('expressions are seen through: an unknown metric, label or grouping, and what is no PromQL', () => {
  assert.deepEqual(namesIn('sum by (role) (rate(a_total{node="x"}[$__rate_interval])) / on (le) group_left (feed) b'), {
    selectors: [
      { metric: 'a_total', labels: ['node'] },
      { metric: 'b', labels: [] },
    ],
    grouping: ['role', 'le', 'feed'],
  })
  assert.equal(problemsOf('pulsewire_sesions').length, 1)
  assert.equal(problemsOf('pulsewire_sessions{feed="quote"}').length, 1)
  assert.equal(problemsOf('sum by (symbol) (pulsewire_sessions)').length, 1)
  assert.equal(problemsOf('pulsewire_sessions', ['feed']).length, 1)
  assert.equal(problemsOf('sum by (role) (pulsewire_sessions)', ['node']).length, 1, 'the sum has lost it')
  assert.equal(problemsOf('max(pulsewire_sessions) > 0', ['node']).length, 1)
  assert.deepEqual(problemsOf('sum without (role) (pulsewire_sessions) > 2', ['node']), [])
  assert.deepEqual(problemsOf('absent(pulsewire_ready{role="push"}) or pulsewire_sessions > 0', ['role', 'node']), [])
  assert.equal(problemsOf('absent(pulsewire_ready{role="push"})', ['node']).length, 1)
  assert.deepEqual(problemsOf('sum by (role) (pulsewire_sessions{job="$job", role=~"a|b"})', ['role']), [])
  assert.throws(() => namesIn('sum(pulsewire_sessions'), /is no PromQL/)
})

test('rules name what there is, and say it with labels that there are', () => {
  assert.ok(rules.length > 40)
  for (const { expr, annotations } of rules) {
    const shown = Object.values(annotations ?? {}).flatMap((text) => [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!))
    assert.deepEqual(problemsOf(expr, shown), [])
  }
})

interface Target {
  readonly expr: string
  readonly legendFormat: string
}
interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly Target[]
}
interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string | { readonly query: string } }[]
  }
}

for (const file of globSync('deploy/grafana/*.json', { cwd: root }).sort()) {
  describe(file, () => {
    const text = readFileSync(join(root, file), 'utf8')
    const { panels, annotations, templating } = JSON.parse(text) as Dashboard

    test('its expressions name what there is', () => {
      for (const { title, type, targets } of panels) {
        if (type === 'row') continue
        assert.ok(targets !== undefined && targets.length > 0, title)
        for (const { expr, legendFormat } of targets) {
          const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!)
          assert.deepEqual(problemsOf(expr, shown), [], title)
        }
      }
      for (const { expr } of annotations.list) assert.deepEqual(problemsOf(expr), [])
    })

    test('its variables ask for labels that there are, and each that is used is one', () => {
      for (const { type, query } of templating.list) {
        if (type !== 'query' || typeof query === 'string') continue
        const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(query.query) ?? []
        assert.deepEqual(problemsOf(selector!, [label!]), [])
      }
      const names = templating.list.map(({ name }) => name)
      const used = new Set([...text.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!).filter((name) => !name.startsWith('__')))
      assert.deepEqual(
        [...used].filter((name) => !names.includes(name)),
        [],
      )
    })

    test('it takes whatever data source there is', () => {
      const uids = [...text.matchAll(/"datasource": \{\s*"type": "prometheus",\s*"uid": "([^"]*)"/g)].map(([, uid]) => uid)
      assert.deepEqual([...new Set(uids)], [`$${'{datasource}'}`])
      assert.equal([...text.matchAll(/"datasource":/g)].length, uids.length)
      assert.ok(templating.list.some(({ name, type }) => name === 'datasource' && type === 'datasource'))
    })

    test('panels have names of their own, and none covers another', () => {
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
      const taken = new Map<string, string>()
      for (const { title, gridPos } of panels) {
        assert.ok(gridPos.x + gridPos.w <= 24, title)
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            assert.equal(taken.get(`${x},${y}`), undefined, `${title} covers another`)
            taken.set(`${x},${y}`, title)
          }
        }
      }
    })
  })
}

test('dashboards have addresses of their own', () => {
  const uids = globSync('deploy/grafana/*.json', { cwd: root }).map(
    (file) => (JSON.parse(readFileSync(join(root, file), 'utf8')) as Dashboard).uid,
  )
  assert.ok(uids.length >= 3)
  assert.equal(new Set(uids).size, uids.length)
})
