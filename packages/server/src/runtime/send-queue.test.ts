import assert from 'node:assert/strict'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { SendQueues, type Ends } from './send-queue.ts'
import { nameStall } from './stall.ts'

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
/** As a kernel printed them: idle; lost host, its bytes sent again 4 times; a peer that does not read. */
const TABLE = `${HEAD}   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060 1 0 100 0 0 10 0
   1: 0100007F:1F90 0200007F:C001 01 00000000:00000000 02:000004A2 00000000     0        0 1061 2 0 20 4 30 10 -1
   2: 0100007F:1F90 0200007F:C002 01 000001F4:00000000 01:00000158 00000004     0        0 1062 2 0 20 4 30 1 7
   3: 0100007F:1F90 0200007F:C003 01 0026D2A0:00000000 04:00000158 00000000     0        0 1063 2 0 20 4 30 1 7
`
const TABLE_6 = `${HEAD}   0: 00000000000000000000000001000000:1F90 B80D01200000000000000000EFBE0000:C004 01 00000007:00000000 00:00000000 00000000
   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000300007F:C005 01 00000008:00000000 00:00000000 00000000
`

function queues(nowMs = () => 0): { of: (ends: Partial<Ends>) => ReturnType<SendQueues['of']>; reads: string[] } {
  const reads: string[] = []
  const table = new SendQueues(nowMs, (file) => {
    reads.push(file)
    return file.endsWith('6') ? TABLE_6 : TABLE
  })
  const here = { localAddress: '127.0.0.1', localPort: 8080, remoteAddress: '127.0.0.2', remotePort: 49153 }
  return { of: (ends) => table.of({ ...here, ...ends }), reads }
}

test('what the kernel says of a connection is found by both of its ends', () => {
  const { of } = queues()
  assert.deepEqual(of({}), { bytes: 0, zeroWindow: false, retransmits: 0 })
  assert.deepEqual(of({ remotePort: 49154 }), { bytes: 500, zeroWindow: false, retransmits: 4 })
  assert.deepEqual(of({ remotePort: 49155 }), { bytes: 0x26d2a0, zeroWindow: true, retransmits: 0 })
  assert.equal(of({ remotePort: 49155, remoteAddress: '127.0.0.3' }), undefined)
  assert.equal(of({ localAddress: '::1', remoteAddress: '2001:db8::beef', remotePort: 49156 })?.bytes, 7)
  assert.equal(of({ localAddress: '::ffff:127.0.0.1', remoteAddress: '::ffff:127.0.0.3', remotePort: 49157 })?.bytes, 8)
})

test('and names a stall', () => {
  const { of } = queues()
  assert.equal(nameStall(0, of({})), 'frozen_peer')
  assert.equal(nameStall(0, of({ remotePort: 49154 })), 'half_open')
  assert.equal(nameStall(5000, of({ remotePort: 49154 })), 'half_open')
  assert.equal(nameStall(0, of({ remotePort: 49155 })), 'zero_window')
  assert.deepEqual([nameStall(5000, undefined), nameStall(0, undefined)], ['zero_window', 'frozen_peer'])
})

test('the table is read once for many connections that stall together', () => {
  let nowMs = 0
  const { of, reads } = queues(() => nowMs)
  for (let port = 0; port < 100; port++) of({ remotePort: port })
  assert.equal(reads.length, 2)
  nowMs = 1001
  of({})
  assert.equal(reads.length, 4)
})

test('where there is no such table, nothing is said', () => {
  const table = new SendQueues(undefined, () => {
    throw new Error('no such file')
  })
  assert.equal(table.of({ localAddress: '127.0.0.1', localPort: 1, remoteAddress: '127.0.0.1', remotePort: 2 }), undefined)
})

test('a real connection whose peer reads nothing', async (t) => {
  if (process.platform !== 'linux') return t.diagnostic('only Linux shows its table')
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket: Socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [[Socket], unknown]
  try {
    const table = new SendQueues(() => performance.now() * 1e6)
    assert.equal(table.of(socket)?.bytes, 0)
    for (let tries = 0; table.of(socket)?.zeroWindow !== true; tries++) {
      assert.ok(tries < 10_000, 'the window never closed')
      if (socket.writableLength === 0) socket.write(Buffer.alloc(1024 * 1024))
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(nameStall(socket.writableLength, table.of(socket)), 'zero_window')
  } finally {
    socket.destroy()
    peer.destroy()
    server.close()
  }
})
