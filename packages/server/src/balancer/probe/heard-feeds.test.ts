import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FeedInfo, PulseFrame } from '@pulsewire/protocol'
import { HeardFeeds } from './heard-feeds.ts'

function info(log?: string): FeedInfo {
  return { feed: 'quote', mode: 'latest', codec: 'json', generation: 1, partitions: 1, ...(log === undefined ? {} : { log }) }
}

function pulse(offset: number): PulseFrame {
  return { t: 'pulse', pulse: 1, at: 0, feed: 'quote', generation: 1, paths: [['push-a1']], partitions: [[0, offset, 0, 5, [5]]] }
}

describe('HeardFeeds', () => {
  const heardAtMs = (heard: HeardFeeds) => heard.feeds.get('quote')?.generations.get(1)?.pulses.get(0)?.heardAtMs

  it('takes pulses of a log that was made anew, though their offsets are smaller', () => {
    const heard = new HeardFeeds()
    heard.begin([info('log-1')], 0)
    heard.pulse(pulse(900), 10, 0)
    heard.begin([info('log-2')], 20)
    assert.equal(heardAtMs(heard), undefined, 'what was proven of the log before proves nothing')
    heard.pulse(pulse(3), 30, 0)
    assert.equal(heardAtMs(heard), 30)
  })

  it('keeps what it has heard while the log is the same, or a gateway does not say', () => {
    const heard = new HeardFeeds()
    heard.begin([info()], 0)
    heard.pulse(pulse(900), 10, 0)
    for (const infos of [[info('log-1')], [info()], [info('log-1')]]) {
      heard.learn(infos, 20)
      heard.pulse(pulse(3), 30, 0)
      assert.equal(heardAtMs(heard), 10)
    }
  })
})
