/** Whatever the bytes: a decoder ends, takes memory in proportion to the message, and throws nothing but ProtocolError. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeUpstreamBin, decodeUpstreamJson } from './bin/upstream.ts'
import { ProtocolError } from './decoder.ts'
import { encodeUpstreamFor } from './decoders.ts'
import type { Encoding } from './frames.ts'
import { Recorder } from './test-support/recorder.ts'
import { recordedSession, recordedUpstream } from './test-support/recorded-session.ts'

const RUNS = 20_000
/** What a byte of a varint, a length, a count or a flag may be replaced with to do the most harm. */
const NASTY = [0x00, 0x01, 0x7f, 0x80, 0x81, 0xc0, 0xff, 0x06, 0x02]
const HUGE = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]

type Edit = readonly [kind: 'set' | 'nasty' | 'huge' | 'cut' | 'drop' | 'double', at: number, value: number]

const edit: fc.Arbitrary<Edit> = fc.tuple(fc.constantFrom('set', 'nasty', 'huge', 'cut', 'drop', 'double'), fc.nat(0xffff), fc.nat(255))
const edits = fc.array(edit, { minLength: 1, maxLength: 4 })

function mutate(bytes: readonly number[], edits: readonly Edit[]): number[] {
  let mutated = [...bytes]
  for (const [kind, where, value] of edits) {
    const at = where % (mutated.length + 1)
    if (kind === 'set') mutated[at] = value
    else if (kind === 'nasty') mutated[at] = NASTY[value % NASTY.length]!
    else if (kind === 'huge') mutated.splice(at, value % 3, ...HUGE)
    else if (kind === 'cut') mutated = mutated.slice(0, at)
    else if (kind === 'drop') mutated.splice(at, value % 8)
    else mutated.splice(at, 0, ...mutated.slice(at, at + (value % 32)))
  }
  return mutated
}

/** Runs it; anything but success or a ProtocolError is a failure. @returns whether it was refused. */
function survives(run: () => void): boolean {
  try {
    run()
    return false
  } catch (error) {
    if (error instanceof ProtocolError) return true
    throw error
  }
}

/** A receiver that has seen the messages before `index`. */
function receiverAt(encoding: Encoding, index: number): Recorder {
  const receiver = new Recorder(encoding, (id) => id - 1)
  for (const { bin, json } of SESSION.slice(0, index)) receiver.receive(encoding === 'pulsewire.bin.v1' ? bin : json)
  return receiver
}

const SESSION = recordedSession()
const index = fc.nat(SESSION.length - 1)

describe('hostile messages', () => {
  test(`${RUNS} broken binary messages in the midst of a session`, { timeout: 120_000 }, () => {
    let refused = 0
    fc.assert(
      fc.property(index, edits, (index, edits) => {
        const message = Uint8Array.from(mutate([...SESSION[index]!.bin], edits))
        const receiver = receiverAt('pulsewire.bin.v1', index)
        if (survives(() => receiver.receive(message))) refused++
        // What was not refused must not have left anything that breaks the next message.
        else survives(() => receiver.receive(SESSION[(index + 1) % SESSION.length]!.bin))
      }),
      { numRuns: RUNS },
    )
    assert.ok(refused > RUNS / 10 && refused < RUNS, `${refused} refused: the edits hit`)
  })

  test(`${RUNS} broken JSON messages in the midst of a session`, { timeout: 120_000 }, () => {
    let refused = 0
    const swap = fc.tuple(fc.nat(), fc.jsonValue({ maxDepth: 2 }))
    fc.assert(
      fc.property(
        index,
        fc.array(swap, { minLength: 1, maxLength: 3 }),
        fc.option(edits, { freq: 3, nil: undefined }),
        (index, swaps, edits) => {
          let text = SESSION[index]!.json
          for (const [at, value] of swaps) text = replaceValue(text, at, value)
          if (edits !== undefined)
            text = String.fromCharCode(
              ...mutate(
                text.split('').map((unit) => unit.charCodeAt(0)),
                edits,
              ),
            )
          const receiver = receiverAt('pulsewire.json.v1', index)
          if (survives(() => receiver.receive(text))) refused++
          else survives(() => receiver.receive(SESSION[(index + 1) % SESSION.length]!.json))
        },
      ),
      { numRuns: RUNS },
    )
    assert.ok(refused > RUNS / 10 && refused < RUNS, `${refused} refused: the edits hit`)
  })

  test(`${RUNS} broken messages of a receiver`, { timeout: 120_000 }, () => {
    const frames = recordedUpstream()
    const bin = frames.map((frame) => [...(encodeUpstreamFor('pulsewire.bin.v1')(frame) as Uint8Array)])
    fc.assert(
      fc.property(fc.nat(frames.length - 1), edits, (index, edits) => {
        survives(() => decodeUpstreamBin(Uint8Array.from(mutate(bin[index]!, edits))))
        survives(() => decodeUpstreamJson(String.fromCharCode(...mutate([...Buffer.from(JSON.stringify(frames[index]))], edits))))
      }),
      { numRuns: RUNS },
    )
  })

  test('bytes at random', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void survives(() => receiverAt('pulsewire.bin.v1', 3).receive(bytes))),
      {
        numRuns: RUNS / 4,
      },
    )
  })

  test('every message of the session, cut at every byte', () => {
    SESSION.forEach(({ bin, json }, index) => {
      for (let length = 0; length < bin.length; length++)
        survives(() => receiverAt('pulsewire.bin.v1', index).receive(bin.subarray(0, length)))
      for (let length = 0; length < json.length; length++) {
        assert.throws(() => receiverAt('pulsewire.json.v1', index).receive(json.slice(0, length)), ProtocolError)
      }
    })
  })
})

describe('a few bytes that promise a lot', { timeout: 20_000 }, () => {
  const MEMORY_MAX = 8 * 1024 * 1024
  const BOMBS: Record<string, number[]> = {
    'a frame of 2^53 bytes': [0x02, ...HUGE],
    'a text of 2^53 bytes': [0x02, 12, 1, 0, 1, 1, 1, 1, ...HUGE],
    'a pulse with 2^53 paths': [0x02, 12, 1, 0, 1, 1, ...HUGE],
    'a path with 2^53 nodes': [0x02, 13, 1, 0, 1, 1, 1, ...HUGE],
    'a pulse with 2^53 rows': [0x02, 13, 1, 0, 1, 1, 0, ...HUGE],
    'a dictionary with 2^53 fields': [0x06, 10, 0, 0, ...HUGE],
    'a dictionary that begins at 2^53': [0x06, 10, 0, ...HUGE, 1, 0, 0],
    'a dictionary of feed 2^53': [0x06, 10, ...HUGE, 0, 0],
    'a raw value of 2^53 bytes': [0x95, 1, 1, 0, 5, 0, ...HUGE],
    'a string of 2^51 bytes': [0x85, 1, 1, 0, 5, 0, 1, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
    'an update of ref 2^53': [0x85, ...HUGE, 1, 0, 5, 0, 0],
  }
  for (const [name, bytes] of Object.entries(BOMBS)) {
    test(name, () => {
      const receiver = receiverAt('pulsewire.bin.v1', 2)
      const before = process.memoryUsage()
      survives(() => receiver.receive(Uint8Array.from(bytes)))
      const after = process.memoryUsage()
      assert.ok(after.heapTotal + after.external - before.heapTotal - before.external < MEMORY_MAX)
    })
  }
})

/** Replaces the nth value of the JSON text, counted over all depths, by another; `at` is taken modulo their number. */
function replaceValue(text: string, at: number, value: unknown): string {
  const places: [object, string][] = []
  const root = { frames: JSON.parse(text) as unknown }
  const visit = (parent: object): void => {
    for (const key of Object.keys(parent)) {
      places.push([parent, key])
      const child = (parent as Record<string, unknown>)[key]
      if (typeof child === 'object' && child !== null) visit(child)
    }
  }
  visit(root)
  const [parent, key] = places[at % places.length]!
  ;(parent as Record<string, unknown>)[key] = value
  return JSON.stringify(root.frames) ?? 'null'
}
