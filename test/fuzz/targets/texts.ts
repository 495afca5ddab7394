import assert from 'node:assert/strict'
import { EventStream } from '../../../packages/client/src/connection/event-stream.ts'
import { readHandOut } from '../../../packages/client/src/connection/hand-out.ts'
import { PulsewireError } from '../../../packages/client/src/errors.ts'
import { HttpInbox } from '../../../packages/server/src/session/http-inbox.ts'
import { bytesOf, textOf } from '../engine/input.ts'
import type { Target } from '../engine/target.ts'

const EVENT_CHARS_MAX = 4096
const EARLY_CHARS_MAX = 2048

/** The HTTP stream, as it comes to the SDK in pieces: in which pieces must not matter. */
const eventStream: Target = {
  name: 'event stream of a gateway',
  weight: 10,
  seeds: [[bytesOf('event: open\ndata: {"a":1}\n\n: hi\n\ndata: x\r\ndata: y\r\n\r\n'), bytesOf('data:z\n'), bytesOf('\nevent\ndata\n\n')]],
  run: (input) => {
    const texts = input.map(textOf)
    const pieces = eventsOf(texts)
    const whole = eventsOf([texts.join('')])
    // Too long is found out at the end of a piece, so a whole may be told more.
    if (pieces !== undefined && whole !== undefined) assert.deepEqual(pieces, whole)
  },
}

/** `undefined`: refused. */
function eventsOf(pieces: readonly string[]): [string, string][] | undefined {
  const events: [string, string][] = []
  const stream = new EventStream((name, data) => void events.push([name, data]), EVENT_CHARS_MAX)
  try {
    for (const piece of pieces) stream.push(piece)
  } catch (error) {
    if (error instanceof RangeError && error.message === 'an event is too long') return undefined
    throw error
  }
  return events
}

/** Requests of the HTTP stream: the first byte of a message says where it stands against the next that is due. */
const inbox: Target = {
  name: 'inbox of the HTTP stream',
  weight: 10,
  seeds: [[Uint8Array.of(0, 65), Uint8Array.of(2, 66), Uint8Array.of(1, 67), Uint8Array.of(0, 68), Uint8Array.of(200, 69)]],
  run: (input) => {
    const handled: number[] = []
    const numbers = new Map<string, number>()
    const inbox = new HttpInbox((body) => void handled.push(numbers.get(body)!), EARLY_CHARS_MAX)
    input.forEach((message, index) => {
      const step = message[0] ?? 0
      const number = handled.length + 1 + (step > 127 ? step - 256 : step)
      const body = `${index}:${textOf(message.subarray(1))}`
      numbers.set(body, number)
      const taken = inbox.take(number, body)
      if (number <= 0) assert.equal(taken, 'repeated')
    })
    assert.deepEqual(
      handled,
      handled.map((_, index) => index + 1),
      'each once, in order, none left out',
    )
  },
}

/** A balancer's answer: the addresses in it get the user's token. */
const handOut: Target = {
  name: 'answer of a balancer',
  weight: 10,
  seeds: [
    [
      bytesOf(
        '{"gateways":[{"address":"wss://gw-1.example:8443"},{"address":"wss://gw-2.example/x"}],"ttlMs":60000,"connectAfterMs":250,"degraded":false}',
      ),
    ],
  ],
  run: (input) => {
    for (const message of input) checkHandOut(textOf(message))
  },
}

function checkHandOut(text: string): void {
  try {
    const { addresses, ttlMs, connectAfterMs } = readHandOut(text, true)
    assert.ok(ttlMs >= 0 && ttlMs <= 3_600_000 && connectAfterMs >= 0 && connectAfterMs <= 60_000)
    for (const address of addresses) assert.match(address, /^wss:\/\/[^/@]+/)
    const gateways = addresses.map((address) => ({ address: address.replace(/\/v1\/stream$/, '') }))
    assert.deepEqual(readHandOut(JSON.stringify({ gateways, ttlMs }), true).addresses, addresses)
  } catch (error) {
    if (!(error instanceof PulsewireError)) throw error
    assert.equal(error.code, 'balancer_invalid')
  }
}

export const texts: readonly Target[] = [eventStream, inbox, handOut]
