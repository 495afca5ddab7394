import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../test-support/fake-clock.ts'
import { Reach } from './reach.ts'
import type { OpenSocket, Socket, SocketEvents } from './socket.ts'

/** One connection of either kind, as the network's side sees it. */
interface Line {
  readonly kind: 'webSocket' | 'http'
  readonly events: SocketEvents
  readonly sent: (string | Uint8Array)[]
  closed: boolean
}

class Network {
  readonly clock = new FakeClock()
  readonly lines: Line[] = []
  readonly reach = new Reach({ clock: this.clock, webSocket: this.#opener('webSocket'), http: this.#opener('http'), retryMs: 60_000 })
  /** What the client's session heard. */
  heard: string[] = []

  #opener(kind: Line['kind']): OpenSocket {
    return (_url, _protocols, events) => {
      const line: Line = { kind, events, sent: [], closed: false }
      this.lines.push(line)
      return { send: (data) => void line.sent.push(data), close: () => (line.closed = true) }
    }
  }

  open(): Socket {
    this.heard = []
    const socket = this.reach.open('ws://gw/v1/stream', ['bin', 'json'], {
      onOpen: (protocol) => {
        this.heard.push(`open ${protocol}`)
        socket.send(`hello ${protocol}`)
      },
      onMessage: (data) => this.heard.push(String(data)),
      onClose: (code) => this.heard.push(`closed ${code}`),
    })
    return socket
  }

  /** The newest connection. */
  get line(): Line {
    return this.lines.at(-1)!
  }

  get kinds(): string[] {
    return this.lines.map(({ kind }) => kind)
  }

  /** The newest connection opens and brings a message. */
  answer(): void {
    this.line.events.onOpen(this.line.kind === 'http' ? 'json' : 'bin')
    this.line.events.onMessage('welcome')
  }
}

test('where WebSocket gets through, nothing else is tried, whatever happens to it later', async () => {
  const network = new Network()
  const socket = network.open()
  network.answer()
  await network.clock.advance(10_000)
  assert.deepEqual([network.heard, socket.transport, socket.betterAtMs], [['open bin', 'welcome'], undefined, Infinity])
  network.line.events.onClose(1006, '')
  network.open()
  // A network where it worked gets a second chance before something else is tried.
  network.line.events.onClose(1006, '')
  assert.deepEqual(network.heard, ['closed 1006'])
  assert.deepEqual(network.kinds, ['webSocket', 'webSocket'])
  network.open()
  network.line.events.onClose(1006, '')
  assert.deepEqual(network.kinds, ['webSocket', 'webSocket', 'webSocket', 'http'])
})

for (const [what, happens] of [
  ['is refused', (line: Line) => line.events.onClose(1006, '')],
  [
    'opens and is cut at once',
    (line: Line) => {
      line.events.onOpen('bin')
      line.events.onClose(1002, '')
    },
  ],
] as const) {
  test(`where it ${what}, an HTTP stream takes over at once and is remembered`, () => {
    const network = new Network()
    const socket = network.open()
    happens(network.line)
    network.answer()
    assert.deepEqual(network.heard.slice(-2), ['open json', 'welcome'])
    assert.deepEqual(network.line.sent, ['hello json'])
    assert.equal(socket.transport, 'http')
    network.line.events.onClose(1006, '')
    assert.equal(network.heard.at(-1), 'closed 1006')
    network.open()
    assert.deepEqual(network.kinds, ['webSocket', 'http', 'http'])
  })
}

for (const opens of [false, true]) {
  test(`where it ${opens ? 'opens and says nothing' : 'hangs'}, an HTTP stream is tried beside it, and the first one to speak has it`, async () => {
    const network = new Network()
    const socket = network.open()
    const [webSocket] = network.lines
    if (opens) webSocket!.events.onOpen('bin')
    await network.clock.advance(1_499)
    assert.deepEqual(network.kinds, ['webSocket'])
    await network.clock.advance(1)
    assert.deepEqual(network.kinds, ['webSocket', 'http'])
    network.answer()
    assert.deepEqual([webSocket!.closed, socket.transport], [true, 'http'])
    webSocket!.events.onMessage('late')
    webSocket!.events.onClose(1006, '')
    assert.deepEqual(network.heard.slice(-2), ['open json', 'welcome'])
  })
}

test('a WebSocket that was only slow has it all the same', async () => {
  const network = new Network()
  const socket = network.open()
  await network.clock.advance(1_500)
  const [webSocket, http] = network.lines
  webSocket!.events.onOpen('bin')
  webSocket!.events.onMessage('welcome')
  assert.deepEqual([http!.closed, socket.transport], [true, undefined])
  http!.events.onOpen('json')
  assert.deepEqual(network.heard, ['open bin', 'welcome'])
})

test('a node that says why it closes was reached: nothing else is tried', () => {
  const network = new Network()
  network.open()
  network.line.events.onOpen('bin')
  network.line.events.onClose(4001, 'unauthorized')
  assert.deepEqual([network.kinds, network.heard], [['webSocket'], ['open bin', 'closed 4001']])
})

test('where neither gets through it is closed once, and next time both are tried again', async () => {
  const network = new Network()
  network.open()
  network.line.events.onClose(1006, '')
  network.line.events.onClose(1006, 'refused')
  assert.deepEqual(network.heard, ['closed 1006'])
  network.open()
  assert.deepEqual(network.kinds, ['webSocket', 'http', 'webSocket'])
  // The stream is refused first, the WebSocket later.
  await network.clock.advance(1_500)
  network.line.events.onClose(1006, '')
  assert.deepEqual(network.heard, [])
  network.lines[2]!.events.onClose(1006, '')
  assert.deepEqual(network.heard, ['closed 1006'])
  assert.equal(network.lines.length, 4)
})

test('WebSocket is tried again now and then, ever more rarely; when it works it is back', async () => {
  const network = new Network()
  let socket = network.open()
  network.line.events.onClose(1006, '')
  network.answer()
  const startMs = network.clock.nowMs()
  assert.equal(socket.betterAtMs, startMs + 60_000)
  await network.clock.advance(60_000)
  network.open()
  assert.equal(network.line.kind, 'webSocket')
  assert.equal(socket.betterAtMs, startMs + 60_000 + 120_000)
  await network.clock.advance(3_499)
  assert.deepEqual(network.heard, [])
  await network.clock.advance(1)
  assert.deepEqual([network.heard, network.kinds], [['closed 1006'], ['webSocket', 'http', 'webSocket']])
  socket = network.open()
  assert.equal(network.line.kind, 'http')
  network.answer()
  await network.clock.advance(120_000)
  network.open()
  network.answer()
  assert.deepEqual([network.line.kind, network.heard.at(-1), socket.betterAtMs], ['webSocket', 'welcome', Infinity])
})

test('one stream that does not open is a node that is gone; two are another network', () => {
  const network = new Network()
  network.open()
  network.line.events.onClose(1006, '')
  network.answer()
  for (const kind of ['http', 'http', 'webSocket']) {
    network.open()
    assert.equal(network.line.kind, kind)
    network.line.events.onClose(1006, '')
  }
})

test('a client that gives up a WebSocket that hangs has learned from it', async () => {
  const network = new Network()
  network.open()
  network.answer()
  const socket = network.open()
  await network.clock.advance(4_000)
  socket.close(1000, '')
  assert.deepEqual([network.line.closed, network.kinds], [true, ['webSocket', 'webSocket']])
  network.open()
  await network.clock.advance(1_500)
  assert.equal(network.line.kind, 'http')
})
