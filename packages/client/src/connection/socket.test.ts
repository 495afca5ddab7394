import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import type { Encoding } from '@pulsewire/protocol'
import { WebSocketServer } from 'ws'
import { PulsewireClient } from '../client.ts'
import type { Subscription } from '../subscription/subscription.ts'
import { FakeConnection, FakeGateway, FakeLog } from '../test-support/fake-gateway.ts'
import { BOTH_ENCODINGS } from '../test-support/world.ts'

/** A scripted gateway behind a real socket. */
class SocketGateway extends FakeGateway implements AsyncDisposable {
  readonly #server: WebSocketServer
  readonly #timer: NodeJS.Timeout

  private constructor(node: string, log: FakeLog, server: WebSocketServer) {
    super(node, log, { nowMs: () => performance.timeOrigin + performance.now() })
    this.#server = server
    this.#timer = setInterval(() => this.pulse(), 50)
    server.on('connection', (socket) => {
      const connection = new FakeConnection(this, '', socket.protocol as Encoding, {
        onOpen: () => {},
        onMessage: (data) => socket.send(data),
        onClose: (code) => (code === 1006 ? socket.terminate() : socket.close(code)),
      })
      this.connections.push(connection)
      socket.on('message', (data: Buffer, binary) => connection.receive(binary ? new Uint8Array(data) : data.toString()))
      socket.on('close', (code) => connection.closedByClient(code))
    })
  }

  static async start(node: string, log: FakeLog, encoding: Encoding): Promise<SocketGateway> {
    const handleProtocols = (offered: Set<string>) => offered.has(encoding) && encoding
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/v1/stream', handleProtocols })
    await once(server, 'listening')
    return new SocketGateway(node, log, server)
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    for (const socket of this.#server.clients) socket.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Resolves when the subscription says that it is live. */
function live(client: PulsewireClient, subscribe: (onState: () => void) => Subscription): Promise<Subscription> {
  return new Promise((resolve) => {
    const subscription = subscribe(() => {
      if (subscription.state.state === 'live') resolve(subscription)
    })
    client.on('error', () => {})
  })
}

for (const encoding of BOTH_ENCODINGS) {
  describe(`over a real socket, ${encoding}`, () => {
    test('subscribes, iterates, is cut and resumes at another gateway', { timeout: 20_000 }, async () => {
      const log = new FakeLog()
      await using one = await SocketGateway.start('gw-1', log, encoding)
      await using two = await SocketGateway.start('gw-2', log, encoding)
      log.append('AAPL.US', { last: 1.25, name: 'Äpfel' }, 1)
      // On a machine that is busy for a moment a second address would be tried beside the first, or instead of it.
      await using client = new PulsewireClient({ url: [one.url, two.url], hedgeAfterMs: 60_000, connectTimeoutMs: 60_000 })
      const quotes = await live(client, (onState) => client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] }, { onState }))
      assert.deepEqual(quotes.get('AAPL.US')!.values, { last: 1.25, name: 'Äpfel' })
      assert.equal(client.session!.node, one.node)

      const iterator = quotes[Symbol.asyncIterator]()
      await iterator.next()
      one.connection.close(1006)
      log.append('AAPL.US', { last: 1.5 }, 2)
      const { value } = await iterator.next()
      assert.deepEqual([value!.values['last'], value!.recovered, value!.changed], [1.5, true, ['last']])
      assert.equal(client.session!.node, two.node)
      await iterator.return!()
    })
  })
}

test('an address where nobody listens is an error that can be retried', { timeout: 20_000 }, async () => {
  const log = new FakeLog()
  const gone = await SocketGateway.start('gw-1', log, 'pulsewire.json.v1')
  const { url } = gone
  await gone[Symbol.asyncDispose]()
  const client = new PulsewireClient({ url })
  const error = await new Promise<{ code: string; retryable: boolean }>((resolve) => client.on('error', resolve))
  assert.deepEqual([error.code, error.retryable], ['connect_failed', true])
  await client.close()
})
