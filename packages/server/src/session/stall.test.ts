import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { createDecoder, SubscriptionDigest } from '@pulsewire/protocol'
import { WebSocket } from 'ws'
import { everything, feedOptions, Sender, sessionOptions } from '../../../../test/support/sender.ts'
import { Hub } from '../hub/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import type { SendQueue } from '../runtime/send-queue.ts'
import { Sessions } from './sessions.ts'
import type { Transport } from './transport.ts'
import { StreamServer } from './web-socket-server.ts'

const open: { close(): Promise<void> | void }[] = []
after(() => Promise.all(open.map((each) => each.close())))

for (const { kind, bufferedBytes, sendQueue } of [
  { kind: 'frozen_peer', bufferedBytes: 0, sendQueue: { bytes: 0, zeroWindow: false, retransmits: 0 } },
  { kind: 'half_open', bufferedBytes: 0, sendQueue: { bytes: 500, zeroWindow: false, retransmits: 4 } },
  { kind: 'zero_window', bufferedBytes: 5000, sendQueue: { bytes: 90_000, zeroWindow: true, retransmits: 0 } },
] as const) {
  test(`a receiver that stalls is noticed, named and counted long before it is cut: ${kind}`, () => {
    const sender = new Sender({ session: { stallAfterMs: 3000, stuckTimeoutMs: 60_000 } })
    const receiver = sender.connect()
    receiver.subscribe(['A'])
    sender.clock.advance(2000)
    receiver.acks = false
    receiver.transport.bufferedBytes = bufferedBytes
    Object.assign(receiver.transport, { sendQueue: (): SendQueue => sendQueue } satisfies Partial<Transport>)
    const stalls = () => sender.log.lines.filter(({ code }) => code === 'session_stalled')
    sender.clock.advance(2500)
    assert.equal(stalls().length, 0)
    sender.clock.advance(2500)
    assert.deepEqual(
      stalls().map(({ level, fields }) => [level, fields['kind']]),
      [['warn', kind]],
    )
    assert.deepEqual({ ...sender.sessions.stalls }, { zero_window: 0, frozen_peer: 0, half_open: 0, [kind]: 1 })
    assert.equal(receiver.closed.code, 0)
    sender.clock.advance(13_000)
    assert.equal(receiver.closed.code, 4101)
    assert.match(receiver.closed.reason, new RegExp(kind.replace('_', '.')))
    assert.ok(Buffer.byteLength(receiver.closed.reason) <= 123)
    assert.equal(stalls().length, 1, 'once')
  })
}

/** A receiver that stops acknowledging after two seconds, with what the kernel says of it. */
function stalled(queue: () => SendQueue) {
  const sender = new Sender({ session: { stuckTimeoutMs: 4000 } })
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  sender.clock.advance(2000)
  receiver.acks = false
  Object.assign(receiver.transport, { sendQueue: queue } satisfies Partial<Transport>)
  return { sender, receiver }
}

test('a receiver that reads nothing, as its own host says, is cut long before one in a tunnel', () => {
  for (const [queue, code] of [
    [{ bytes: 90_000, zeroWindow: true, retransmits: 0 }, 4101],
    [{ bytes: 90_000, zeroWindow: false, retransmits: 5 }, 0],
    [{ bytes: 0, zeroWindow: false, retransmits: 0 }, 0],
  ] as const) {
    const { sender, receiver } = stalled(() => queue)
    sender.clock.advance(5500)
    assert.equal(receiver.closed.code, code, JSON.stringify(queue))
    if (code !== 0) assert.match(receiver.closed.reason, /zero window/)
    sender.clock.advance(11_000)
    assert.equal(receiver.closed.code, 4101)
  }
})

test('a zero window behind which something is taken all the same is a thin line, and is not cut for it', () => {
  let bytes = 90_000
  const { sender, receiver } = stalled(() => ({ bytes: (bytes -= 1000), zeroWindow: true, retransmits: 0 }))
  sender.clock.advance(13_000)
  assert.equal(receiver.closed.code, 0)
})

test('a stall that passes is taken back, and the next one counts again; of clients it is no warning', () => {
  const sender = new Sender({ role: 'gateway' })
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  for (let i = 0; i < 2; i++) {
    receiver.acks = false
    sender.clock.advance(6000)
    receiver.acks = true
    receiver.ackAll()
    sender.clock.advance(2000)
  }
  const said = sender.log.lines.filter(({ code }) => code === 'session_stalled' || code === 'session_resumed')
  assert.deepEqual(
    said.map(({ level, code }) => `${level} ${code}`),
    ['info session_stalled', 'info session_resumed', 'info session_stalled', 'info session_resumed'],
  )
  assert.equal(sender.sessions.stalls.frozen_peer, 2)
})

/** Sessions over real sockets, with short deadlines. */
async function serve() {
  const log = createMemoryLogger()
  const hub = new Hub({ nodeId: 'push-a1', clock: systemClock, feeds: [feedOptions] })
  const session = { ...sessionOptions, pulseIntervalMs: 100, stallAfterMs: 500, ackTimeoutMs: 1500, outboundBytesMax: 64 * 1024 * 1024 }
  const sessions = new Sessions({ hub, session, role: 'push', version: '0', log })
  hub.connect(everything, sessions)
  const { messageBytesMax } = session
  const server = new StreamServer({ host: '127.0.0.1', port: 0, messageBytesMax, sessions, ready: () => true, log })
  await server.listen()
  open.push({
    async close() {
      sessions.close()
      await server.close()
    },
  })
  const cut = async () => {
    for (;;) {
      const line = log.lines.find(({ code }) => code === 'session_closed')
      if (line !== undefined) return line.message
      await new Promise((resolve) => systemClock.after(20, () => resolve(undefined)))
    }
  }
  return { hub, sessions, log, cut, url: `ws://127.0.0.1:${server.port}/v1/stream` }
}

const RECEIVER = `
import { WebSocket } from ${JSON.stringify(import.meta.resolve('ws'))}
const socket = new WebSocket(process.argv[1], ['pulsewire.json.v1'])
socket.on('open', () => socket.send('{"t":"hello","client":"test"}'))
socket.on('message', (data) => {
  for (const frame of JSON.parse(data)) if (frame.t === 'pulse') {
    socket.send(JSON.stringify({ t: 'ack', pulse: frame.pulse, count: 0, digest: 0 }))
    console.log('acknowledged')
  }
})
setTimeout(() => process.exit(), 20_000)`

test('a receiver process that is stopped: named a frozen peer, and cut', async () => {
  const { url, sessions, log, cut } = await serve()
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', RECEIVER, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  open.push({ close: () => void child.kill('SIGKILL') })
  await once(child.stdout!, 'data')
  child.kill('SIGSTOP')
  assert.match(await cut(), /frozen peer/)
  assert.deepEqual({ ...sessions.stalls }, { zero_window: 0, frozen_peer: 1, half_open: 0 })
  assert.equal(
    log.lines.findIndex(({ code }) => code === 'session_stalled') < log.lines.findIndex(({ code }) => code === 'session_closed'),
    true,
  )
})

test('a receiver that stops reading while much is sent to it: named a zero window, and cut', async () => {
  const { url, hub, sessions, cut } = await serve()
  const socket = new WebSocket(url, ['pulsewire.json.v1'])
  socket.on('error', () => {})
  open.push({ close: () => socket.terminate() })
  await once(socket, 'open')
  const send = (frame: object) => socket.send(JSON.stringify(frame))
  const digest = new SubscriptionDigest()
  const decoder = createDecoder('pulsewire.json.v1')
  const names = Array.from({ length: 60 }, (_, i) => `S${i}`)
  let reads = true
  let updates = 0
  socket.on('message', (data: Buffer) => {
    decoder.decode(data.toString(), {
      onUpdate: () => void updates++,
      onPulse: ({ pulse }) => void (reads && send({ t: 'ack', pulse, count: digest.count, digest: digest.value })),
      onControl: (frame) => {
        if (frame.t === 'mark' && reads) send({ t: 'ack', mark: frame.mark })
        if (frame.t !== 'subscribed') return
        for (const [symbol, ref] of frame.ok ?? []) {
          digest.add(1, symbol)
          decoder.open(ref, 0)
        }
      },
    })
  })
  send({ t: 'hello', client: 'test' })
  send({ t: 'subscribe', id: 1, feed: 'quote', symbols: names })
  const feed = hub.feed('quote')!
  let offset = 0
  const record = (name: string) => {
    const symbol = feed.obtain(name)!
    symbol.applyRecord(
      { generation: 1, partition: 0, offset: offset++, ts: 0, n: 1, prev: -1 },
      { text: `${offset}`.padEnd(1_000_000, '.') },
      false,
    )
    hub.updated(symbol, false)
  }
  // Taken quickly, so that the sender lets much be on its way.
  while (updates < 30) {
    const before = updates
    record('S0')
    while (updates === before) await once(socket, 'message')
  }
  reads = false
  socket.pause()
  for (const name of names) record(name)
  assert.match(await cut(), /zero window/)
  assert.equal(sessions.stalls.zero_window, 1)
})
