import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sender } from '../../../../test/support/sender.ts'
import type { LeaseContent } from '../directory/index.ts'
import { NodeMetrics } from './node-metrics.ts'
import type { RoleSource } from './sources.ts'
import { METRICS } from './table.ts'

const lease: LeaseContent = {
  addresses: [],
  feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 1500 }],
  load: { sessions: 1, sessionsMax: 100 },
  ready: true,
  draining: false,
  links: [
    { node: 'push-a1', line: 'A', state: 'open', pulseAgeMs: 250 },
    { node: 'push-b1', line: 'B', state: 'waiting', pulseAgeMs: null },
  ],
}

/** The value of one sample; undefined when there is none. */
function sampleOf(text: string, name: string, labels: Readonly<Record<string, string>>): number | undefined {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const line = text.split('\n').find((each) => each.startsWith(`${name}{`) && wanted.every((one) => each.includes(one)))
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}

function setUp() {
  const sender = new Sender()
  const receiver = sender.connect()
  sender.record('A', { last: 1 })
  receiver.subscribe(['A', 'B'])
  sender.pulse()
  receiver.take()
  sender.record('A', { last: 1.5 }, { ts: sender.clock.nowMs() - 300 })
  receiver.take()
  sender.sessions.denied.set('token_missing', 1)
  const gateway: RoleSource = {
    role: 'gateway',
    leaseContent: () => lease,
    hub: sender.hub,
    sessions: sender.sessions,
    linkCounts: () => ({ taken: 7, duplicates: 5, gaps: 1, refills: 2 }),
  }
  const push: RoleSource = {
    role: 'push',
    leaseContent: () => ({ ...lease, links: [], fault: 'stage flush is stuck' }),
    hub: sender.hub,
    intakes: () => [{ feed: 'quote', records: 10, pulses: 4, poison: { no_key: 3 }, recordAtMs: sender.clock.nowMs() - 2500, lag: 17 }],
  }
  const balancer: RoleSource = {
    role: 'balancer',
    leaseContent: () => ({ ...lease, feeds: [], links: [] }),
    verdicts: () => [
      { role: 'gateway', handedOut: true, reasons: [] },
      { role: 'gateway', handedOut: false, reasons: ['offline'] },
      { role: 'push', handedOut: false, reasons: ['lease_expired', 'generation_retired'] },
      { role: 'push', handedOut: false, reasons: ['generation_retired', 'topic_differs'] },
    ],
    balancing: () => ({
      evictions: [{ role: 'gateway', reason: 'silent', count: 2 }],
      answers: { proven: 5, degraded: 1, none: 0 },
    }),
  }
  const process = { reports: { written: 1, dropped: 0 } }
  return { sender, receiver, metrics: new NodeMetrics('all-1', [gateway, push, balancer], process) }
}

test('every metric is there where all roles are, with the node’s name', async () => {
  const { metrics } = setUp()
  const text = await metrics.text()
  for (const { name, type } of METRICS)
    assert.match(text, new RegExp(`^${name}${type === 'histogram' ? '_bucket' : ''}\\{.*node="all-1"`, 'm'), name)
  assert.match(text, /^nodejs_eventloop_lag_seconds/m)
})

test('what is told is what is', async () => {
  const { sender, receiver, metrics } = setUp()
  const first = await metrics.text()
  const gateway = { role: 'gateway' }
  assert.equal(sampleOf(first, 'pulsewire_sessions', gateway), 1)
  assert.equal(sampleOf(first, 'pulsewire_sessions_http', gateway), 0)
  assert.equal(sampleOf(first, 'pulsewire_subscriptions', gateway), 2)
  assert.equal(sampleOf(first, 'pulsewire_feed_pulse_age_seconds', { ...gateway, feed: 'quote' }), 1.5)
  assert.equal(sampleOf(first, 'pulsewire_link_pulse_age_seconds', { upstream: 'push-a1' }), 0.25)
  assert.equal(sampleOf(first, 'pulsewire_links', { line: 'B', state: 'waiting' }), 1)
  assert.equal(sampleOf(first, 'pulsewire_stuck', { role: 'push' }), 1)
  assert.equal(sampleOf(first, 'pulsewire_poison_records_total', { kind: 'no_key' }), 3)
  assert.equal(sampleOf(first, 'pulsewire_gateways', { handed_out: 'false' }), 1)
  assert.equal(sampleOf(first, 'pulsewire_gateway_reasons', { reason: 'offline' }), 1)
  assert.equal(sampleOf(first, 'pulsewire_gateway_reasons', { reason: 'expired' }), undefined)
  assert.equal(sampleOf(first, 'pulsewire_intake_lag_records', { role: 'push' }), 17)
  assert.equal(sampleOf(first, 'pulsewire_intake_record_age_seconds', { role: 'push' }), 2.5)
  assert.equal(sampleOf(first, 'pulsewire_zombies', { of_role: 'push' }), 1, 'one of the two is gone')
  assert.equal(sampleOf(first, 'pulsewire_zombies', { of_role: 'gateway' }), 0)
  assert.equal(sampleOf(first, 'pulsewire_evictions_total', { of_role: 'gateway', reason: 'silent' }), 2)
  assert.equal(sampleOf(first, 'pulsewire_hand_outs_total', { outcome: 'proven' }), 5)
  const updates = sampleOf(first, 'pulsewire_sent_updates_total', gateway)!
  const bytes = sampleOf(first, 'pulsewire_sent_bytes_total', gateway)!
  sender.record('A', { last: 2 })
  receiver.take()
  const second = await metrics.text()
  assert.equal(sampleOf(second, 'pulsewire_sent_updates_total', gateway), updates + 1)
  assert.ok(sampleOf(second, 'pulsewire_sent_bytes_total', gateway)! > bytes)
  receiver.disconnect()
  const third = await metrics.text()
  assert.equal(sampleOf(third, 'pulsewire_sessions', gateway), 0)
  assert.equal(sampleOf(third, 'pulsewire_session_opens_total', gateway), 1)
  assert.equal(sampleOf(third, 'pulsewire_session_ends_total', { ...gateway, reason: 'lost' }), 1)
  assert.equal(sampleOf(third, 'pulsewire_session_ends_total', { ...gateway, reason: 'slow_consumer' }), 0)
})

test('a histogram counts, at each bound, all that is below it', async () => {
  const { metrics } = setUp()
  const text = await metrics.text()
  const labels = { role: 'gateway', feed: 'quote' }
  const bucket = (le: string) => sampleOf(text, 'pulsewire_update_latency_seconds_bucket', { ...labels, le })
  assert.deepEqual(['0.25', '0.5', '30', '+Inf'].map(bucket), [0, 1, 1, 1])
  assert.equal(sampleOf(text, 'pulsewire_update_latency_seconds_count', labels), 1)
  const sum = sampleOf(text, 'pulsewire_update_latency_seconds_sum', labels)!
  assert.ok(sum >= 0.3 && sum < 0.35, `${sum} s`)
  assert.match(text, /^# TYPE pulsewire_update_latency_seconds histogram$/m)
})
