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
  receiver.take()
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
    intakes: () => [{ feed: 'quote', records: 10, pulses: 4, poison: { no_key: 3 } }],
  }
  const balancer: RoleSource = {
    role: 'balancer',
    leaseContent: () => ({ ...lease, feeds: [], links: [] }),
    verdicts: () => [
      { role: 'gateway', handedOut: true, reasons: [] },
      { role: 'gateway', handedOut: false, reasons: ['offline'] },
      { role: 'push', handedOut: false, reasons: ['expired'] },
    ],
  }
  const process = { reports: { written: 1, dropped: 0 } }
  return { sender, receiver, metrics: new NodeMetrics('all-1', [gateway, push, balancer], process) }
}

test('every metric is there where all roles are, with the node’s name', async () => {
  const { metrics } = setUp()
  const text = await metrics.text()
  for (const { name } of METRICS) assert.match(text, new RegExp(`^${name}\\{.*node="all-1"`, 'm'), name)
  assert.match(text, /^nodejs_eventloop_lag_seconds/m)
})

test('what is told is what is', async () => {
  const { sender, receiver, metrics } = setUp()
  const first = await metrics.text()
  const gateway = { role: 'gateway' }
  assert.equal(sampleOf(first, 'pulsewire_sessions', gateway), 1)
  assert.equal(sampleOf(first, 'pulsewire_subscriptions', gateway), 2)
  assert.equal(sampleOf(first, 'pulsewire_feed_pulse_age_seconds', { ...gateway, feed: 'quote' }), 1.5)
  assert.equal(sampleOf(first, 'pulsewire_link_pulse_age_seconds', { upstream: 'push-a1' }), 0.25)
  assert.equal(sampleOf(first, 'pulsewire_links', { line: 'B', state: 'waiting' }), 1)
  assert.equal(sampleOf(first, 'pulsewire_stuck', { role: 'push' }), 1)
  assert.equal(sampleOf(first, 'pulsewire_poison_records_total', { kind: 'no_key' }), 3)
  assert.equal(sampleOf(first, 'pulsewire_gateways', { handed_out: 'false' }), 1)
  assert.equal(sampleOf(first, 'pulsewire_gateway_reasons', { reason: 'offline' }), 1)
  assert.equal(sampleOf(first, 'pulsewire_gateway_reasons', { reason: 'expired' }), undefined)
  const updates = sampleOf(first, 'pulsewire_sent_updates_total', gateway)!
  const bytes = sampleOf(first, 'pulsewire_sent_bytes_total', gateway)!
  sender.record('A', { last: 2 })
  receiver.take()
  const second = await metrics.text()
  assert.equal(sampleOf(second, 'pulsewire_sent_updates_total', gateway), updates + 1)
  assert.ok(sampleOf(second, 'pulsewire_sent_bytes_total', gateway)! > bytes)
  receiver.disconnect()
  assert.equal(sampleOf(await metrics.text(), 'pulsewire_sessions', gateway), 0)
})
