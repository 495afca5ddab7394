import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { VERDICT_REASONS, isSoft, type VerdictReason } from './reasons.ts'
import { chooseUsable, START_GRACE_MS, TOGETHER_MS, type Candidate } from './usable.ts'

const NOW_MS = 1_764_000_000_000
const STARTED = NOW_MS - 3_600_000

function candidate(node: string, ...codes: VerdictReason[]): Candidate {
  return { node, findings: codes.map((code) => ({ code, message: code })), log: '', blindSinceMs: null }
}

function past(provenAtMs: Readonly<Record<string, number>>, startedAtMs = STARTED) {
  const times = Object.values(provenAtMs)
  return {
    provenAtMs: new Map(Object.entries(provenAtMs)),
    anyProvenAtMs: times.length === 0 ? null : Math.max(...times),
    startedAtMs,
  }
}

describe('chooseUsable', () => {
  it('takes the proven ones, and nobody else while there is one', () => {
    const { nodes, degraded } = chooseUsable([candidate('a'), candidate('b', 'silent')], past({ a: NOW_MS, b: NOW_MS - 100 }), NOW_MS)
    assert.deepEqual([[...nodes], degraded], [['a'], null])
  })

  it('keeps those that were good until all failed at once, but for those that an operator, their lease or the catalogue rules out', () => {
    const candidates = [
      candidate('a', 'silent'),
      candidate('b', 'connect_failed'),
      candidate('c', 'offline', 'silent'),
      candidate('d', 'lease_expired'),
      candidate('e', 'generation_retired'),
      candidate('f', 'pulse_missing'),
    ]
    const good = past({
      a: NOW_MS - 100,
      b: NOW_MS - 100 - TOGETHER_MS,
      c: NOW_MS - 100,
      d: NOW_MS - 100,
      e: NOW_MS - 100,
      f: NOW_MS - 101 - TOGETHER_MS,
    })
    const { nodes, degraded } = chooseUsable(candidates, good, NOW_MS)
    assert.deepEqual([[...nodes], degraded], [['a', 'b'], 'probes_failed'])
  })

  it('takes leases at their word when it has just started and nothing can be proven', () => {
    const candidates = [candidate('a', 'probe_pending'), candidate('b', 'connect_failed'), candidate('c', 'offline')]
    const early = chooseUsable(candidates, past({}, NOW_MS - START_GRACE_MS + 1), NOW_MS)
    assert.deepEqual([[...early.nodes], early.degraded], [[], null])
    const late = chooseUsable(candidates, past({}, NOW_MS - START_GRACE_MS), NOW_MS)
    assert.deepEqual([[...late.nodes], late.degraded], [['a', 'b'], 'never_proven'])
  })

  it('does not hold the silence of pulses against a gateway while the log is away, but everything else', () => {
    const candidates = [
      candidate('a'),
      candidate('b', 'pulse_missing'),
      candidate('c', 'connect_failed'),
      candidate('d', 'pulse_old'),
      candidate('e', 'pulse_missing', 'offline'),
      // Its probe's session began just before.
      candidate('f', 'probe_pending'),
    ]
    const blindSinceMs = NOW_MS - 60_000
    const before = {
      a: NOW_MS,
      b: blindSinceMs + 1000,
      c: blindSinceMs,
      d: blindSinceMs - TOGETHER_MS - 1,
      e: blindSinceMs,
      f: blindSinceMs,
    }
    const { nodes, degraded } = chooseUsable(
      candidates.map((one) => ({ ...one, blindSinceMs })),
      past(before),
      NOW_MS,
    )
    assert.deepEqual([[...nodes], degraded], [['a', 'b', 'f'], null])
    assert.deepEqual([...chooseUsable(candidates, past(before), NOW_MS).nodes], ['a'])
  })

  it('lets a log that is away excuse nobody while gateways of another log are proven, and all of them once none is', () => {
    const blindSinceMs = NOW_MS - 60_000
    const away = ['a1', 'a2'].map((node) => ({ ...candidate(node, 'pulse_missing'), log: 'a', blindSinceMs }))
    const there = ['b1', 'b2'].map((node) => ({ ...candidate(node), log: 'b' }))
    const silent = ['b1', 'b2'].map((node) => ({ ...candidate(node, 'pulse_old'), log: 'b', blindSinceMs }))
    const before = past({ a1: blindSinceMs, a2: blindSinceMs, b1: NOW_MS, b2: NOW_MS })
    const nodes = (...candidates: Candidate[]) => [...chooseUsable(candidates, before, NOW_MS).nodes]
    assert.deepEqual(nodes(...away, ...there), ['b1', 'b2'])
    assert.deepEqual(nodes(...away, there[0]!, silent[1]!), ['b1', 'b2'], 'a log that is just going excuses its own')
    assert.deepEqual(nodes(...away, ...silent), ['a1', 'a2', 'b1', 'b2'])
    assert.deepEqual(nodes(...away), ['a1', 'a2'])
  })

  it('takes leases at their word when none of the good ones is left, once the probes of the others had their time', () => {
    // New names, as after a scale-out, while a partition has no leader.
    const candidates = [
      candidate('old-1', 'lease_left'),
      candidate('new-1', 'pulse_missing'),
      candidate('new-2', 'probe_pending'),
      candidate('new-3', 'offline', 'pulse_missing'),
    ]
    const early = chooseUsable(candidates, past({ 'old-1': NOW_MS - START_GRACE_MS + 1 }), NOW_MS)
    assert.deepEqual([[...early.nodes], early.degraded], [[], null])
    const late = chooseUsable(candidates, past({ 'old-1': NOW_MS - START_GRACE_MS }), NOW_MS)
    assert.deepEqual([[...late.nodes], late.degraded], [['new-1', 'new-2'], 'none_left'])
  })

  it('is not degraded when there is nobody to hand out', () => {
    const { nodes, degraded } = chooseUsable([candidate('a', 'lease_expired')], past({ a: NOW_MS - 3000 }), NOW_MS)
    assert.deepEqual([[...nodes], degraded], [[], null])
  })

  const codes = Object.keys(VERDICT_REASONS) as VerdictReason[]
  const anyCandidates = fc.uniqueArray(
    fc.record({ node: fc.constantFrom('a', 'b', 'c', 'd', 'e'), codes: fc.uniqueArray(fc.constantFrom(...codes), { maxLength: 2 }) }),
    { selector: ({ node }) => node, maxLength: 5 },
  )

  it('hands out nobody against a hard reason, marks what is not proven, and is not empty-handed for longer than probes need', () => {
    fc.assert(
      fc.property(anyCandidates, fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(20_000)), (described, ago) => {
        const candidates = described.map(({ node, codes: found }) => candidate(node, ...found))
        const memory = past(Object.fromEntries(Object.entries(ago).map(([node, agoMs]) => [node, NOW_MS - agoMs])))
        const { nodes, degraded } = chooseUsable(candidates, memory, NOW_MS)
        const of = (name: string) => candidates.find(({ node }) => node === name)!
        for (const node of nodes) assert.ok(of(node).findings.every(isSoft))
        const someProven = candidates.some(({ findings }) => findings.length === 0)
        assert.equal(degraded !== null, !someProven && nodes.size > 0)
        if (someProven) for (const node of nodes) assert.equal(of(node).findings.length, 0)
        const wasGoodTogether = candidates.some(
          ({ node, findings }) =>
            findings.every(isSoft) && (memory.provenAtMs.get(node) ?? -Infinity) >= (memory.anyProvenAtMs ?? Infinity) - TOGETHER_MS,
        )
        if (wasGoodTogether) assert.ok(nodes.size > 0)
        const isOver = NOW_MS - (memory.anyProvenAtMs ?? memory.startedAtMs) >= START_GRACE_MS
        if (isOver && candidates.some(({ findings }) => findings.every(isSoft))) assert.ok(nodes.size > 0)
      }),
      { numRuns: 2000 },
    )
  })
})
