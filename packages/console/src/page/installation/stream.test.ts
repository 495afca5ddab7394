import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { smallTopology } from '../../../../../test/support/topologies.ts'
import { Stream } from './stream.ts'

/** An event source that a test speaks for. */
class SpokenSource {
  readonly url: string
  readyState = 1
  readonly #listeners = new Map<string, (event: object) => void>()

  constructor(url: string) {
    this.url = url
  }

  addEventListener(name: string, listener: (event: object) => void): void {
    this.#listeners.set(name, listener)
  }

  say(name: string, data: object = {}, lastEventId = ''): void {
    this.#listeners.get(name)!({ data: JSON.stringify(data), lastEventId })
  }

  fail(readyState: 0 | 2): void {
    this.readyState = readyState
    this.say('error')
  }

  close(): void {
    this.readyState = 2
  }
}

function make() {
  const clock = { nowMs: 0 }
  const sources: SpokenSource[] = []
  const heard: string[] = []
  const stream = new Stream(
    { events: ({ last }) => heard.push(`events ${last}`), topology: ({ balancer }) => heard.push(`topology ${balancer}`) },
    (url) => {
      sources.push(new SpokenSource(url))
      return sources.at(-1) as unknown as EventSource
    },
    () => clock.nowMs,
  )
  const look = (afterMs: number, isWanted = true): void => {
    clock.nowMs += afterMs
    stream.look(isWanted)
  }
  return { stream, sources, heard, look }
}

const events = { startedAtMs: 7, events: [], last: 3 }

describe('Stream', () => {
  it('hears, and is lost when nothing comes, until something does', () => {
    const { stream, sources, heard, look } = make()
    look(0)
    assert.deepEqual([sources[0]!.url, stream.state], ['/v1/stream?topology=true', 'opening'])
    sources[0]!.say('events', events, '7:3')
    sources[0]!.say('topology', smallTopology())
    assert.deepEqual([heard, stream.state], [['events 3', 'topology lb-1'], 'open'])
    look(3000)
    assert.equal(stream.state, 'open')
    look(1000)
    assert.equal(stream.state, 'lost', 'it says nothing')
    sources[0]!.say('topology', smallTopology())
    assert.deepEqual([stream.state, sources.length], ['open', 1])
  })

  it('leaves it to the browser to come back, and tries again by itself, later, where it was refused', () => {
    const { stream, sources, look } = make()
    look(0)
    sources[0]!.fail(0)
    look(1000)
    assert.deepEqual([stream.state, sources.length], ['lost', 1])
    sources[0]!.fail(2)
    look(14_000)
    assert.deepEqual([stream.state, sources.length], ['lost', 1])
    look(1000)
    assert.deepEqual([stream.state, sources.length], ['lost', 2])
    sources[1]!.say('events', events, '7:3')
    assert.equal(stream.state, 'open')
  })

  it('is closed while nobody looks, and goes on after what it heard last', () => {
    const { stream, sources, look } = make()
    look(0)
    sources[0]!.say('events', events, '7:3')
    look(1000, false)
    assert.deepEqual([sources[0]!.readyState, stream.state], [2, 'opening'])
    look(60_000)
    assert.equal(sources[1]!.url, '/v1/stream?topology=true&since=7%3A3')
    assert.equal(stream.state, 'opening')
  })
})
