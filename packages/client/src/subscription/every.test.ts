import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { PulsewireError } from '../errors.ts'
import { BOTH_ENCODINGS, settled, worldOf } from '../test-support/world.ts'
import type { Gap, Update } from './update.ts'

const TRADES = { feed: 'trade', symbols: ['A.US'], delivery: 'every' } as const

/** A client of an `every` feed with two gateways, and all that was delivered. */
async function tradeWorld(encoding: (typeof BOTH_ENCODINGS)[number]) {
  const world = worldOf(encoding, 1)
  const gateways = ['gw-1', 'gw-2'].map((node) => world.gateway(node, { feed: 'trade', mode: 'every' }))
  world.publish('A.US', { price: 0 })
  const client = world.client()
  const updates: Update[] = []
  const gaps: Gap[] = []
  const trades = client.subscribe(TRADES, { onUpdate: (update) => updates.push(update), onGap: (gap) => gaps.push(gap) })
  await settled()
  await world.pulse()
  const prices = () => updates.map(({ values }) => values['price'])
  return { world, client, trades, updates, gaps, prices, one: gateways[0]!, two: gateways[1]! }
}

for (const encoding of BOTH_ENCODINGS) {
  describe(`every over ${encoding}`, () => {
    test('goes on after a reconnect with the records in between, each once', async () => {
      const { world, client, trades, updates, gaps, prices, one } = await tradeWorld(encoding)
      world.publish('A.US', { price: 1 })
      await settled()
      one.connection.close(1006)
      await settled()
      for (const price of [2, 3, 4]) world.publish('A.US', { price })
      await world.clock.advance(300)
      assert.deepEqual(prices(), [0, 1, 2, 3, 4])
      assert.deepEqual(
        updates.map(({ recovered }) => recovered),
        [undefined, undefined, true, undefined, undefined],
      )
      assert.equal(trades.state.state, 'stale', 'whether the replay is complete, the next pulse tells')
      await world.pulse()
      assert.equal(trades.state.state, 'live')
      assert.deepEqual(gaps, [])
      await client.close()
    })

    test('a feed that moves to another topic: the last record at its new place is no news, the next one is', async () => {
      const { world, client, trades, updates, gaps, prices, one } = await tradeWorld(encoding)
      const { connection } = one
      const [sub] = connection.subs
      const held = world.log.latest('A.US')!
      connection.send({ t: 'feeds', feeds: [{ ...one.feed, generation: 2, partitions: 3 }] })
      const moved = { ...connection.update(sub!, { ...held, prev: -1 }), position: '2:2:33' }
      connection.send(moved)
      await settled()
      assert.deepEqual(prices(), [0])
      assert.equal(trades.get('A.US')?.position, '2:2:33')
      assert.equal(trades.state.state, 'live', 'partition 2 is as old as the feed was, until it has a pulse of its own')
      // A second copy of it comes to lie there later.
      connection.send({ ...moved, position: '2:2:34', prev: 33 })
      await settled()
      assert.deepEqual([prices(), trades.get('A.US')?.position], [[0], '2:2:34'])
      connection.send({ ...moved, position: '2:2:35', prev: 34, ts: held.ts + 1 })
      await settled()
      assert.deepEqual(prices(), [0, 0])
      assert.deepEqual([updates.at(-1)?.position, gaps], ['2:2:35', []])
      // From now on records that are alike are two.
      connection.send({ ...moved, position: '2:2:36', prev: 35, ts: held.ts + 1 })
      await settled()
      assert.deepEqual(prices(), [0, 0, 0])
      await client.close()
    })

    test('a record that was conflated with its move is not told again where its copy comes to lie', async () => {
      const world = worldOf(encoding, 4)
      const gateway = world.gateway('gw-1')
      world.publish('A.US', { price: 0 })
      const client = world.client()
      const prices: unknown[] = []
      client.subscribe({ feed: 'quote', symbols: ['A.US'] }, { onUpdate: ({ values }) => prices.push(values['price']) })
      await settled()
      const { connection } = gateway
      const newer = connection.update(connection.subs[0]!, world.log.append('A.US', { price: 1 }, world.clock.nowMs()))
      for (const offset of [7, 9]) connection.send({ ...newer, position: `2:0:${offset}` })
      await settled()
      assert.deepEqual(prices, [0, 1])
      await client.close()
    })

    test('a feed that moves to a topic with fewer partitions: those that are no more turn nothing stale', async () => {
      const world = worldOf(encoding, 4)
      const gateway = world.gateway('gw-1')
      world.publish('A.US', { price: 0 })
      const client = world.client()
      const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US'] })
      await settled()
      await world.pulse()
      const { connection } = gateway
      connection.send({ t: 'feeds', feeds: [{ ...gateway.feed, generation: 2, partitions: 1 }] })
      connection.send({ ...connection.update(connection.subs[0]!, world.log.latest('A.US')!), position: '2:0:7' })
      for (let second = 0; second < 6; second++) {
        const partitions = [[0, 100 + second, 0, 10, [5, 1]]] as const
        connection.send({
          t: 'pulse',
          pulse: 5000 + second,
          at: gateway.nowMs(),
          feed: 'quote',
          generation: 2,
          paths: [['push-a1', 'gw-1']],
          partitions,
        })
        await world.clock.advance(1000)
      }
      assert.equal(quotes.state.state, 'live')
      await client.close()
    })

    test('a hole is asked for once, and filled', async () => {
      const { world, client, trades, gaps, prices, one } = await tradeWorld(encoding)
      world.log.append('A.US', { price: 1 }, world.clock.nowMs())
      one.forward(world.log.append('A.US', { price: 2 }, world.clock.nowMs()))
      await settled()
      assert.deepEqual(prices(), [0, 1, 2])
      assert.equal(one.connection.of('subscribe').length, 2)
      await world.pulse()
      assert.equal(trades.state.state, 'live')
      assert.deepEqual(gaps, [])
      await client.close()
    })

    test('the next hole is asked for as well', async () => {
      const { world, client, gaps, prices, one } = await tradeWorld(encoding)
      for (const price of [1, 3]) {
        world.log.append('A.US', { price }, world.clock.nowMs())
        one.forward(world.log.append('A.US', { price: price + 1 }, world.clock.nowMs()))
        await settled()
      }
      assert.deepEqual(prices(), [0, 1, 2, 3, 4])
      assert.deepEqual(gaps, [])
      await client.close()
    })

    test('a hole that cannot be filled is a gap: from, to, and the update behind it', async () => {
      const { world, client, trades, updates, gaps, prices, one } = await tradeWorld(encoding)
      one.history = false
      const before = updates.at(-1)!.position
      world.log.append('A.US', { price: 1 }, world.clock.nowMs())
      one.forward(world.log.append('A.US', { price: 2 }, world.clock.nowMs()))
      await settled()
      assert.deepEqual(prices(), [0, 2])
      assert.deepEqual(gaps, [{ symbol: 'A.US', from: before, to: updates.at(-1)!.position }])
      assert.deepEqual(updates.at(-1)!.gap, gaps[0])
      world.publish('A.US', { price: 3 })
      await world.pulse()
      assert.deepEqual(prices(), [0, 2, 3])
      assert.equal(trades.state.state, 'live')
      assert.equal(gaps.length, 1)
      await client.close()
    })

    test('a replay with a gap before it is complete with the next pulse only: until then what it brings is not the newest', async () => {
      const { world, client, trades, gaps, prices, updates, one } = await tradeWorld(encoding)
      const { connection } = one
      one.answers = false
      const [lost, old, newest] = [1, 2, 3].map((price) => world.log.append('A.US', { price }, world.clock.nowMs()))
      const ref = connection.ref('A.US')
      connection.send(connection.update({ ref, every: true }, newest!))
      await settled()
      const { id } = connection.of('subscribe').at(-1)!
      assert.ok(lost!.offset < old!.offset)
      connection.send(
        { t: 'subscribed', id, ok: [['A.US', ref, 'recovered']], done: true },
        { t: 'gap', ref, after: updates.at(-1)!.position },
        connection.update({ ref, every: true }, old!),
      )
      await settled()
      assert.deepEqual([prices(), gaps.length], [[0, 2], 1])
      assert.equal(trades.state.state, 'stale', 'record 3 is still on its way')
      connection.send(connection.update({ ref, every: true }, newest!))
      await world.pulse()
      assert.deepEqual([prices(), gaps.length, trades.state.state], [[0, 2, 3], 1, 'live'])
      await client.close()
    })

    test('a gap frame is treated the same: asked for by position first', async () => {
      const { world, client, gaps, prices, updates, one } = await tradeWorld(encoding)
      const { connection } = one
      const missed = world.log.append('A.US', { price: 1 }, world.clock.nowMs())
      const next = world.log.append('A.US', { price: 2 }, world.clock.nowMs())
      assert.ok(missed.offset < next.offset)
      const update = connection.update({ ref: connection.ref('A.US'), every: true }, next)
      connection.send({ t: 'gap', ref: update.ref, after: updates.at(-1)!.position }, { ...update, snapshot: true })
      await settled()
      assert.deepEqual(prices(), [0, 1, 2])
      assert.deepEqual(gaps, [])
      await client.close()
    })

    test('a move between gateways loses nothing and doubles nothing, even when the new one has no history', async () => {
      const { world, client, gaps, prices, one, two } = await tradeWorld(encoding)
      two.history = false
      one.connection.send({ t: 'goodbye', code: 'draining', message: '', addresses: ['ws://gw-2:8080'] })
      await settled()
      world.publish('A.US', { price: 1 })
      await world.clock.advance(200)
      world.publish('A.US', { price: 2 })
      await settled()
      await world.pulse()
      assert.equal(client.session!.node, 'gw-2')
      world.publish('A.US', { price: 3 })
      await settled()
      assert.deepEqual(prices(), [0, 1, 2, 3])
      assert.deepEqual(gaps, [])
      await client.close()
    })

    test('during a move, what the new gateway lacks may still come from the old one', async () => {
      const { world, client, gaps, prices, one, two } = await tradeWorld(encoding)
      two.history = false
      one.paused = true
      for (const price of [1, 2]) world.publish('A.US', { price })
      one.connection.send({ t: 'goodbye', code: 'draining', message: '', addresses: ['ws://gw-2:8080'] })
      await world.clock.advance(200)
      assert.equal(two.connection.subs.length, 1)
      assert.deepEqual(prices(), [0])
      one.paused = false
      await settled()
      await world.run(2000)
      assert.equal(client.session!.node, 'gw-2')
      assert.deepEqual(prices(), [0, 1, 2])
      assert.deepEqual(gaps, [])
      await client.close()
    })

    test('a move to a gateway that lacks records: nothing is shown as live before they came or are told to be missing', async () => {
      const { world, client, gaps, prices, one, two } = await tradeWorld(encoding)
      const liveWith: unknown[] = []
      client.subscribe(TRADES, {
        onState: ({ state }) => {
          if (state === 'live' && client.session?.node === 'gw-2') liveWith.push(prices().at(-1))
        },
      })
      two.history = false
      one.paused = true
      for (const price of [1, 2]) world.publish('A.US', { price })
      one.connection.send({ t: 'goodbye', code: 'draining', message: '', addresses: ['ws://gw-2:8080'] })
      await world.clock.advance(200)
      assert.deepEqual(prices(), [0])
      await world.run(5000)
      assert.equal(client.session!.node, 'gw-2')
      assert.deepEqual(prices(), [0, 2])
      assert.equal(gaps.length, 1)
      assert.ok(liveWith.length > 0)
      assert.deepEqual(new Set(liveWith), new Set([2]))
      await client.close()
    })

    test('whatever happens: in order, each record once, and every missing one lies in a gap', async () => {
      const step = fc.oneof(
        { weight: 6, arbitrary: fc.constant('publish' as const) },
        { weight: 2, arbitrary: fc.constantFrom('lose-1' as const, 'lose-2' as const) },
        { weight: 1, arbitrary: fc.constantFrom('cut' as const, 'goodbye' as const, 'wait' as const, 'pulse' as const, 'double' as const) },
        { weight: 1, arbitrary: fc.constantFrom('forget' as const, 'remember' as const) },
        { weight: 1, arbitrary: fc.constantFrom('pause-1' as const, 'pause-2' as const, 'resume' as const) },
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          const { world, client, updates, gaps, one, two } = await tradeWorld(encoding)
          let price = 0
          for (const each of steps) {
            const open = [one, two].flatMap((gateway) => gateway.connections.filter((connection) => connection.open))
            if (each === 'publish') world.publish('A.US', { price: ++price })
            else if (each === 'lose-1' || each === 'lose-2') {
              const record = world.log.append('A.US', { price: ++price }, world.clock.nowMs())
              if (each === 'lose-1') two.forward(record)
              else one.forward(record)
            } else if (each === 'cut') open.at(-1)?.close(1006)
            else if (each === 'goodbye') open[0]?.send({ t: 'goodbye', code: 'draining', message: '' })
            else if (each === 'double')
              for (const record of world.log.records.slice(-2)) for (const gateway of [one, two]) gateway.forward(record)
            else if (each === 'pause-1') one.paused = true
            else if (each === 'pause-2') two.paused = true
            else if (each === 'resume') one.paused = two.paused = false
            else if (each === 'wait') await world.clock.advance(300)
            else if (each === 'pulse') await world.pulse()
            else for (const gateway of [one, two]) gateway.history = each === 'remember'
            await settled()
          }
          one.paused = two.paused = false
          await world.run(40_000)
          world.publish('A.US', { price: ++price })
          await world.run(3000)
          const offsets = updates.map(({ position }) => Number(position.split(':')[2]))
          for (let index = 1; index < offsets.length; index++) assert.ok(offsets[index]! > offsets[index - 1]!, 'in order, once')
          const delivered = new Set(offsets)
          const inGap = (offset: number) =>
            gaps.some(({ from, to }) => offset > Number(from.split(':')[2]) && offset < Number(to.split(':')[2]))
          for (const { offset } of world.log.records) {
            assert.ok(delivered.has(offset) !== inGap(offset), `offset ${offset} was delivered or reported missing, not both, not neither`)
          }
          await client.close()
        }),
        { numRuns: 60 },
      )
    })
  })
}

describe('every, read by iterator', () => {
  test('a reader that is too slow gets what was queued, then an error that says where it broke off', async () => {
    const { world, client } = await tradeWorld('pulsewire.json.v1')
    const slow = client.subscribe({ ...TRADES, queueMax: 3 })
    await settled()
    const iterator = slow[Symbol.asyncIterator]()
    for (const price of [1, 2, 3, 4, 5]) world.publish('A.US', { price })
    await settled()
    const seen: unknown[] = []
    await assert.rejects(
      async () => {
        for await (const update of { [Symbol.asyncIterator]: () => iterator }) seen.push(update.values['price'])
      },
      (error) => error instanceof PulsewireError && error.code === 'consumer_too_slow' && error.retryable,
    )
    assert.deepEqual(seen, [0, 1, 2, 3], 'the image held at first, then the queue')
    await client.close()
  })
})
