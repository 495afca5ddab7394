import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testLease } from '../../../../test/support/leases.ts'
import { ageOf, nodesTable } from './table.ts'

test('nodes are listed by role and name, with state, word, version, generation and age', () => {
  const known = (node: string, role: 'push' | 'gateway', extra: object) => ({
    lease: { ...testLease(node), role, ...extra },
    heardAtMs: 10_000,
    expiresAtMs: 13_000,
    state: 'live' as const,
    word: 'online' as const,
  })
  const feeds = [
    { feed: 'quote', generation: 2, pulseAgeMs: 100 },
    { feed: 'trade', generation: 1, pulseAgeMs: null },
  ]
  const nodes = [
    { ...known('push-a1', 'push', { line: 'A', feeds, ready: false }), state: 'expired' as const },
    { ...known('gw-2', 'gateway', { track: 'grey' }), word: 'offline' as const, told: { by: 'jo@ops-1', atMs: 1_764_000_000_000 } },
    known('gw-1', 'gateway', { draining: true, load: { sessions: 7, sessionsMax: 10, busy: 0 } }),
  ]
  const lines = nodesTable(nodes, 10_400).split('\n')
  assert.deepEqual(
    lines.map((line) => line.split(/ {2,}/)),
    [
      ['node', 'role', 'state', 'word', 'ready', 'version', 'zone', 'line', 'generations', 'sessions', 'age', 'address'],
      ['gw-1', 'gateway', 'live', 'online', 'draining', '0.1.0', 'default', '-', '-', '7', '0.4s', 'ws://gw-1:8080'],
      ['gw-2', 'gateway', 'live', 'offline', 'yes', '0.1.0 (grey)', 'default', '-', '-', '0', '0.4s', 'ws://gw-2:8080'],
      ['push-a1', 'push', 'expired', 'online', 'no', '0.1.0', 'default', 'A', 'quote:2,trade:1', '0', '0.4s', 'ws://push-a1:8080'],
      ['gw-2 is offline: jo@ops-1 said so at 2025-11-24T16:00:00.000Z'],
    ],
  )
})

test('ages are short', () => {
  assert.deepEqual([-5, 440, 12_300, 300_000, 10_000_000].map(ageOf), ['0.0s', '0.4s', '12s', '5m', '3h'])
})
