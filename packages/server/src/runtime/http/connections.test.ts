import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { dial, slowPeersCut } from '../../../../../test/support/slow-peers.ts'
import { serveProbes } from '../watchdog/probes.ts'
import { capConnections, HTTP_TIMEOUTS } from './connections.ts'

const open: { close(): void; closeAllConnections(): void }[] = []
after(() => {
  for (const server of open) {
    server.close()
    server.closeAllConnections()
  }
})

async function capped(max: number, exempt: readonly string[] = []) {
  const server = createServer(HTTP_TIMEOUTS, (_, response) => response.end('here\n'))
  open.push(server)
  capConnections(server, max, exempt)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return () => dial(port)
}

test('an address has so many connections, and a place again when one of them ends', async () => {
  const come = await capped(3)
  const first = await come()
  assert.deepEqual([first.isServed, (await come()).isServed, (await come()).isServed], [true, true, true])
  for (let n = 0; n < 50; n++) assert.equal((await come()).isServed, false)
  first.socket.destroy()
  // The server hears of the end a little later; one that never does makes the test time out.
  while (!(await come()).isServed);
})

test('proxies stand for many: they are not counted, and 0 is no limit', async () => {
  for (const come of [await capped(1, ['127.0.0.0/8']), await capped(0)])
    assert.deepEqual([(await come()).isServed, (await come()).isServed, (await come()).isServed], [true, true, true])
})

test('the port of probes cuts who does not come to the end', { timeout: 20_000 }, async () => {
  const server = await serveProbes({ host: '127.0.0.1', port: 0, dead: () => null, unready: () => null, metrics: async () => '' })
  open.push(server)
  await slowPeersCut((server.address() as AddressInfo).port)
})
