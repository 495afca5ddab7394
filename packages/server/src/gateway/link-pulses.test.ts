import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FeedInfo } from '@pulsewire/protocol'
import type { PulsePoint } from '../hub/index.ts'
import { LinkPulses } from './link-pulses.ts'

function point(partition: number, writtenAtMs: number, generation = 1): PulsePoint {
  return { generation, partition, offset: writtenAtMs, writtenAtMs, path: ['push-a1'], arrivedAtMs: [writtenAtMs] }
}

function feedInfo(feed: string, carried?: readonly number[]): FeedInfo {
  return { feed, mode: 'latest', codec: 'json', generation: 1, partitions: 4, ...(carried === undefined ? {} : { carried }) }
}

describe('LinkPulses', () => {
  it('is as old as the partition whose pulse is oldest, over all feeds', () => {
    const pulses = new LinkPulses()
    assert.equal(pulses.ageMs(5000), null)
    pulses.heard('quote', [point(0, 4900), point(1, 4200)])
    pulses.heard('trade', [point(0, 4700)])
    assert.equal(pulses.ageMs(5000), 800)
    pulses.heard('quote', [point(1, 4950)])
    assert.equal(pulses.ageMs(5000), 300)
    pulses.heard('quote', [point(1, 4100)])
    assert.equal(pulses.ageMs(5000), 300, 'what comes late does not make it older')
  })

  it('expects nothing of partitions that went to another node, or of a generation that is over', () => {
    const pulses = new LinkPulses()
    pulses.heard('quote', [point(0, 1000), point(1, 4000)])
    pulses.carries([feedInfo('quote', [1])])
    assert.equal(pulses.ageMs(5000), 1000)
    pulses.heard('quote', [point(1, 4800, 2)])
    assert.equal(pulses.ageMs(5000), 200)
    pulses.heard('quote', [point(0, 4990, 1)])
    assert.equal(pulses.ageMs(5000), 200)
    pulses.carries([feedInfo('quote')])
    assert.equal(pulses.ageMs(5000), 200, 'all partitions are carried')
    pulses.clear()
    assert.equal(pulses.ageMs(5000), null)
  })
})
