import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Ledger, type SecondCount } from './ledger.ts'

function second(atMs: number, rest: Partial<SecondCount> = {}): SecondCount {
  return { atMs, clients: 100, flagged: {}, said: {}, lied: 0, isVoid: false, ...rest }
}

describe('the account of client-seconds', () => {
  it('is all fresh where nobody was flagged and nobody lied', () => {
    const ledger = new Ledger()
    ledger.add([second(1000), second(2000)])
    assert.deepEqual(ledger.account(), { all: 200, void: 0, excused: 0, unexcused: 0, lied: 0, freshShare: 1, worst: null })
  })

  it('takes out what a fault excuses: of its gateway, in its time', () => {
    const ledger = new Ledger()
    ledger.open({ why: 'gw-2 killed', gateway: 'gw-2', fromMs: 1500, untilMs: 2500 })
    ledger.add([
      second(1000, { flagged: { 'gw-2': 1 } }),
      second(2000, { flagged: { 'gw-1': 2, 'gw-2': 40 } }),
      second(3000, { flagged: { 'gw-2': 4 }, said: { 'no_pulse at gw-2': 4 } }),
    ])
    const { excused, unexcused, freshShare, worst } = ledger.account()
    assert.deepEqual([excused, unexcused, worst], [40, 7, { atMs: 3000, clients: 4, said: { 'no_pulse at gw-2': 4 } }])
    assert.equal(freshShare, (300 - 40 - 7) / (300 - 40))
  })

  it('excuses no lie', () => {
    const ledger = new Ledger()
    ledger.open({ why: 'Kafka frozen', gateway: null, fromMs: 0, untilMs: 9000 })
    ledger.add([second(1000, { flagged: { 'gw-1': 50, 'gw-2': 49 }, lied: 1 })])
    const { excused, lied, freshShare } = ledger.account()
    assert.deepEqual([excused, lied, freshShare], [99, 1, 0])
  })

  it('counts nothing where nobody could tell', () => {
    const ledger = new Ledger()
    ledger.add([second(1000, { flagged: { 'gw-1': 30 }, lied: 70, isVoid: true })])
    assert.deepEqual(ledger.account(), { all: 100, void: 100, excused: 0, unexcused: 0, lied: 0, freshShare: 0, worst: null })
  })
})
