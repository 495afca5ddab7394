import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PulsewireClient } from '../client.ts'
import type { Subscription } from '../subscription/subscription.ts'
import { FakeLog } from '../test-support/fake-gateway.ts'
import { SocketGateway } from '../test-support/socket-gateway.ts'
import { BOTH_ENCODINGS } from '../test-support/world.ts'

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
      await using client = new PulsewireClient({ url: [one.url, two.url] })
      const quotes = await live(client, (onState) => client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] }, { onState }))
      assert.deepEqual(quotes.get('AAPL.US')!.values, { last: 1.25, name: 'Äpfel' })
      assert.equal(client.session!.node, 'gw-1')

      const iterator = quotes[Symbol.asyncIterator]()
      await iterator.next()
      one.connection.close(1006)
      log.append('AAPL.US', { last: 1.5 }, 2)
      const { value } = await iterator.next()
      assert.deepEqual([value!.values['last'], value!.recovered, value!.changed], [1.5, true, ['last']])
      assert.equal(client.session!.node, 'gw-2')
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
