/** A real Prometheus scrapes the demo's real processes with the rules of deploy/prometheus: what it sees when all is well, and when a node freezes or blocks. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { PulsewireClient } from '@pulsewire/client'
import type { Demo } from '../../packages/cli/src/demo/index.ts'
import { METRICS } from '../../packages/server/src/metrics/table.ts'
import { THREAD_METRICS } from '../../packages/server/src/runtime/watchdog/thread-metrics.ts'
import { startDemo } from '../support/demo.ts'
import { PrometheusServer } from '../support/prometheus-server.ts'

const RULES = join(import.meta.dirname, '../../deploy/prometheus/rules')
/** A node whose event loop is blocked answers after a second, and is ended after five. */
const SCRAPE = '2s'
/** Samples of these come only after something has happened to them. */
const RARE = ['pulsewire_evictions_total', 'pulsewire_gateway_reasons']

/** The rules as they are, looked at more often, and without waiting for what is true to last: promtool shows that they do. */
function hasty(rules: string): string {
  return rules.replaceAll(/^( *)interval: .*$/gm, '$1interval: 500ms').replaceAll(/^ *for: .*\n/gm, '')
}

describe('Prometheus', { timeout: 120_000 }, () => {
  let demo: Demo
  let client: PulsewireClient
  let prometheus: PrometheusServer

  before(async () => {
    demo = await startDemo({ consolePort: null, symbols: 50, ratePerSecond: 200 })
    client = new PulsewireClient({ url: [...demo.gateways] })
    client.subscribe({ feed: 'quote', symbols: demo.symbols.slice(0, 20) })
    const names = globSync('*.yml', { cwd: RULES })
    const config = {
      global: { scrape_interval: SCRAPE, scrape_timeout: SCRAPE, evaluation_interval: '500ms' },
      rule_files: names,
      scrape_configs: [{ job_name: 'pulsewire', static_configs: [{ targets: demo.metricsTargets }] }],
    }
    const files = Object.fromEntries(names.map((name) => [name, hasty(readFileSync(join(RULES, name), 'utf8'))]))
    prometheus = await PrometheusServer.start(JSON.stringify(config), files)
  })

  after(async () => {
    await client?.close()
    await prometheus?.[Symbol.asyncDispose]()
    await demo?.close()
  })

  const firing = async (name: string) =>
    (await prometheus.alerts()).filter(({ state, labels }) => state === 'firing' && labels['alertname'] === name)
  const fires = (name: string, node: string) =>
    prometheus.until(
      async () => (await firing(name)).some(({ labels }) => labels['node'] === node || labels['instance'] === node),
      `${name} of ${node}`,
    )
  const isQuiet = () => prometheus.until(async () => (await prometheus.alerts()).length === 0, 'no alert')
  const targetOf = (id: string) => `127.0.0.1:${demo.nodes.find(({ node }) => node.id === id)!.node.metricsPort}`

  test('every node is scraped, every rule can be evaluated, and nothing is wrong', async () => {
    const up = async () => (await prometheus.targets()).filter(({ health }) => health === 'up')
    await prometheus.until(async () => (await up()).length === demo.nodes.length, 'all targets are up')
    const evaluated = async () => {
      const rules = await prometheus.rules()
      return rules.length > 40 && rules.every(({ health }) => health === 'ok')
    }
    await prometheus.until(evaluated, 'all rules are evaluated')
    await isQuiet()
  })

  test('every metric of the table comes, with its labels and no other', async () => {
    const scraped = async () =>
      (await prometheus.query('group by (__name__) ({__name__=~"pulsewire_.*"})')).map(({ metric }) => metric['__name__']!)
    const suffixed = METRICS.flatMap(({ name, type }) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name],
    )
    const all = ['pulsewire_info', ...suffixed, ...Object.keys(THREAD_METRICS)]
    await prometheus.until(async () => {
      const names = await scraped()
      return all.every((name) => names.includes(name) || RARE.includes(name))
    }, 'all metrics')
    assert.deepEqual(
      (await scraped()).filter((name) => !all.includes(name)),
      [],
    )
    for (const { name, type, labels } of METRICS) {
      const own = new Set(['job', 'instance', 'node', '__name__', ...labels, ...(type === 'histogram' ? ['le'] : [])])
      for (const { metric } of await prometheus.query(type === 'histogram' ? `${name}_bucket` : name))
        assert.deepEqual(
          Object.keys(metric).filter((label) => !own.has(label)),
          [],
          name,
        )
    }
  })

  test('what was recorded answers: quotes reach the client in time', async () => {
    const value = async (expression: string) => (await prometheus.query(expression))[0]?.value ?? Number.NaN
    await prometheus.until(async () => (await value('role:pulsewire_sent_updates:rate1m{role="gateway"}')) > 0, 'updates are sent')
    await prometheus.until(
      async () => (await value('role_feed:pulsewire_update_latency_seconds:p99_5m{role="gateway",feed="quote"}')) > 0,
      'latency is known',
    )
    assert.ok((await value('role_feed:pulsewire_update_latency_seconds:p99_5m{role="gateway",feed="quote"}')) < 5)
    const held = 'role_feed:pulsewire_acknowledged_pulse_age_seconds:p99_5m{role="gateway",feed="quote"}'
    await prometheus.until(async () => (await value(held)) > 0, 'the age of what clients hold is known')
    assert.ok((await value(held)) < 5)
    assert.ok((await value('feed:pulsewire_clients_stale:ratio1m{feed="quote"}')) < 0.5)
    assert.ok((await value('role:pulsewire_delivery_seconds:p99_5m{role="gateway"}')) < 5)
    assert.equal(await value('sum(pulsewire_gateways{handed_out="true"})'), 2)
    assert.equal(await value('max(feed:pulsewire_sessions_stale:sum)'), 0)
  })

  test('a frozen push node: the target is down, gateways have lost its line, and no feed is stale', async () => {
    await demo.breaks.order('freeze', true, 'push-a1')
    await fires('PulsewireTargetDown', targetOf('push-a1'))
    await Promise.all([fires('PulsewireLineLost', 'gw-1'), fires('PulsewireLineLost', 'gw-2')])
    const [lost] = await firing('PulsewireLineLost')
    assert.equal(lost?.labels['line'], 'A')
    assert.match(lost?.annotations['summary'] ?? '', /^gw-\d has no link to line A$/)
    for (const quiet of ['PulsewireFeedStale', 'PulsewireGatewayStale', 'PulsewireNothingHandedOut'])
      assert.deepEqual(await firing(quiet), [], quiet)
    await demo.breaks.order('freeze', false, 'push-a1')
    await prometheus.until(async () => (await firing('PulsewireLineLost')).length === 0, 'line A is back')
  })

  test('a blocked event loop: its watchdog says so, and the balancer hands out one gateway fewer', async () => {
    await demo.breaks.order('block', true, 'gw-2')
    await fires('PulsewireMainThreadBlocked', 'gw-2')
    await fires('PulsewireFewHandedOut', 'lb-1')
    assert.deepEqual(await firing('PulsewireNothingHandedOut'), [])
    assert.deepEqual(await firing('PulsewireFeedStale'), [])
  })
})
