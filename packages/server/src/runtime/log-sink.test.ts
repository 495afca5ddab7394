import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogSink } from './log-sink.ts'

/** A place to write to that takes what `room` says, or fails. */
class Place {
  text = ''
  room = Number.POSITIVE_INFINITY
  failure: string | null = null
  /** What is said when there is no room: a pipe's word, or a disk's. */
  fullWith = 'EAGAIN'
  readonly sink = new LogSink({
    writeSome: (bytes) => this.#take(bytes),
    describeDrops: (lines, why) => `${lines} lost: ${why}\n`,
  })

  #take(bytes: Uint8Array): number {
    if (this.failure !== null) throw Object.assign(new Error(this.failure), { code: this.failure })
    if (this.room === 0) throw Object.assign(new Error(this.fullWith), { code: this.fullWith })
    const taken = Math.min(this.room, bytes.length)
    this.room -= taken
    this.text += Buffer.from(bytes.subarray(0, taken)).toString()
    return taken
  }
}

describe('the log sink', () => {
  for (const failure of ['ENOSPC', 'EPIPE', 'EIO']) {
    it(`survives ${failure}, counts, and says so once writing works again`, () => {
      const place = new Place()
      place.sink.write('one\n')
      place.failure = failure
      for (let i = 0; i < 3; i++) place.sink.write('lost\n')
      place.failure = null
      place.sink.write('two\n')
      assert.equal(place.text, `one\n3 lost: ${failure}\ntwo\n`)
      assert.equal(place.sink.dropped, 3)
    })
  }

  it('tells of what a disk took only the first part of in a line of its own', () => {
    const place = new Place()
    place.room = 5
    place.fullWith = 'ENOSPC'
    place.sink.write('abcdefgh\n')
    place.sink.write('lost\n')
    assert.equal(place.text, 'abcde')
    place.room = Number.POSITIVE_INFINITY
    place.sink.write('after\n')
    assert.equal(place.text, 'abcde\n2 lost: ENOSPC\nafter\n')
  })

  it('goes on in the middle of a line that a full pipe cut', () => {
    const place = new Place()
    place.room = 5
    place.sink.write('abcdefgh\n')
    place.sink.write('second\n')
    assert.equal(place.text, 'abcde')
    place.room = Number.POSITIVE_INFINITY
    place.sink.flush()
    assert.equal(place.text, 'abcdefgh\nsecond\n')
    assert.equal(place.sink.dropped, 0)
  })

  it('holds a bounded amount for a reader that reads nothing', () => {
    const place = new Place()
    place.room = 0
    const line = `${'x'.repeat(1023)}\n`
    for (let i = 0; i < 1000; i++) place.sink.write(line)
    place.room = Number.POSITIVE_INFINITY
    place.sink.write('after\n')
    const lines = place.text.split('\n')
    assert.equal(lines.filter((text) => text.startsWith('x')).length, 256)
    assert.equal(place.sink.dropped, 1000 - 256)
    assert.match(place.text, /744 lost: the reader takes nothing\nafter\n$/)
  })
})
