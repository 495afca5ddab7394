import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STALE_REASONS } from '@pulsewire/protocol'
import { amount, decimalsOf, duration, longDuration, percent, price, signed } from './format.ts'
import { reasonInWords, stateInWords } from './words.ts'

describe('words', () => {
  it('say why something is stale, and where', () => {
    const state = { state: 'stale', reason: 'no_pulse', hop: 'gw-1', sinceMs: 1_000 } as const
    assert.equal(stateInWords(state, 5_400), 'stale 4 s: no pulse from gw-1')
    assert.equal(reasonInWords({ state: 'stale', reason: 'log_unreachable', hop: 'log' }), 'the log cannot be reached')
    assert.equal(reasonInWords({ state: 'stale', reason: 'brand_new', hop: 'push-a1' }), 'brand_new at push-a1')
    assert.equal(stateInWords({ state: 'live' }, 0), 'live')
    assert.equal(stateInWords({ state: 'live', delayMs: 900_000 }, 0), 'live, delayed 15 min')
  })

  it('know every reason of the protocol', () => {
    for (const reason of Object.keys(STALE_REASONS)) {
      assert.doesNotMatch(reasonInWords({ state: 'stale', reason, hop: 'gw-1' }), /_/, `${reason} has no words`)
    }
  })
})

describe('format', () => {
  it('writes prices with the decimals of their exchange', () => {
    assert.equal(decimalsOf(403.6), 2)
    assert.equal(decimalsOf(1.285), 3)
    assert.equal(price(1528.35, 2), '1,528.35')
    assert.equal(price(undefined, 2), '–')
  })

  it('writes changes with their sign, zero without', () => {
    assert.equal(signed(-0.4, 2), '−0.40')
    assert.equal(signed(1.5, 2), '+1.50')
    assert.equal(signed(-0.001, 2), '0.00')
    assert.equal(percent(-1.559), '−1.56 %')
  })

  it('writes amounts and durations in their most readable unit', () => {
    assert.equal(amount(9_876), '9,876')
    assert.equal(amount(52_341_900), '52.34M')
    assert.equal(duration(0.4), '<1 ms')
    assert.equal(duration(12.4), '12 ms')
    assert.equal(duration(1_260), '1.3 s')
    assert.equal(duration(61_000), '61 s')
    assert.equal(longDuration(7_200_000), '2 h')
  })
})
