import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SubscribeFrame } from '@pulsewire/protocol'
import { PulsewireError } from '../errors.ts'
import { BOTH_ENCODINGS, settled, World, worldOf } from '../test-support/world.ts'
import type { EndedEvent, StateChange } from './options.ts'
import type { SymbolState } from '../freshness/state.ts'
import type { Update } from './update.ts'

for (const encoding of BOTH_ENCODINGS) {
  describe(`subscriptions over ${encoding}`, () => {
    test('patterns and groups bring symbols, also those that appear later; all are resumed', async () => {
      const world = worldOf(encoding)
      const gateway = world.gateway('gw-1')
      gateway.groups.set('tech', ['MSFT.US'])
      world.publish('0700.HK', { last: 1 })
      world.publish('MSFT.US', { last: 2 })
      await using client = world.client()
      const seen: string[] = []
      const quotes = client.subscribe(
        { feed: 'quote', patterns: ['*.HK'], groups: ['tech'] },
        { onUpdate: (update) => seen.push(update.symbol) },
      )
      await settled()
      await world.pulse()
      world.publish('0005.HK', { last: 3 })
      await settled()
      assert.deepEqual(seen, ['0700.HK', 'MSFT.US', '0005.HK'])
      assert.deepEqual(
        [...quotes.symbols].map(({ symbol, state }) => [symbol, state.state]),
        [
          ['0700.HK', 'live'],
          ['MSFT.US', 'live'],
          ['0005.HK', 'live'],
        ],
      )
      gateway.connection.close(4200)
      await world.clock.advance(300)
      await world.pulse()
      assert.equal(quotes.state.state, 'live')
      assert.deepEqual(
        [...quotes.symbols].map(({ recovered }) => recovered),
        [true, true, true],
      )
      assert.equal(gateway.connection.lastPulseAck!.digest, gateway.connection.digest.value)
      assert.equal(gateway.connection.lastPulseAck!.count, 3)
    })

    test('a deleted symbol has no values, and is there again with the next record', async () => {
      const world = worldOf(encoding)
      const gateway = world.gateway('gw-1')
      world.publish('AAPL.US', { last: 1 })
      await using client = world.client()
      const updates: Update[] = []
      client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] }, { onUpdate: (update) => updates.push(update) })
      await settled()
      const { connection } = gateway
      const position = `1:${world.log.partitionOf('AAPL.US')}:`
      connection.send({ t: 'update', ref: connection.ref('AAPL.US'), symbol: 'AAPL.US', position: `${position}500`, ts: 5, deleted: true })
      connection.send({
        t: 'update',
        ref: connection.ref('AAPL.US'),
        symbol: 'AAPL.US',
        position: `${position}501`,
        ts: 6,
        values: { bid: 3 },
      })
      await settled()
      assert.deepEqual(
        updates.map(({ deleted, values }) => ({ deleted, values })),
        [
          { deleted: false, values: { last: 1 } },
          { deleted: true, values: {} },
          { deleted: false, values: { bid: 3 } },
        ],
      )
      assert.deepEqual(updates[0]!.values, { last: 1 }, 'an update does not change once handed out')
    })
  })
}

describe('subscriptions', () => {
  test('with the same options share one id; what overlaps is sent once, latecomers get the image held', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    world.publish('A.US', { last: 1 })
    world.publish('B.US', { last: 2 })
    await using client = world.client()
    const first: Update[] = []
    const second: Update[] = []
    const one = client.subscribe(
      { feed: 'quote', symbols: ['A.US', 'B.US'], fields: ['last', 'bid'] },
      { onUpdate: (update) => first.push(update) },
    )
    await settled()
    await world.pulse()
    const two = client.subscribe(
      { feed: 'quote', symbols: ['B.US', 'C.US'], fields: ['bid', 'last'] },
      { onUpdate: (update) => second.push(update) },
    )
    await settled()
    const { connection } = gateway
    assert.deepEqual(
      connection.of('subscribe').map(({ id, symbols }) => [id, symbols]),
      [
        [1, ['A.US', 'B.US']],
        [1, ['C.US']],
      ],
    )
    assert.deepEqual(
      second.map(({ symbol, snapshot, n, values }) => ({ symbol, snapshot, n, values })),
      [{ symbol: 'B.US', snapshot: true, n: 0, values: { last: 2 } }],
    )
    world.publish('B.US', { last: 3 })
    await settled()
    assert.equal(first.at(-1), second.at(-1), 'the very same update')

    one.close()
    await settled()
    assert.deepEqual(
      connection.of('unsubscribe').map(({ symbols }) => symbols),
      [['A.US']],
      'B.US is still wanted',
    )
    two.remove(['B.US'])
    await settled()
    assert.deepEqual(
      connection.of('unsubscribe').map(({ symbols }) => symbols),
      [['A.US'], ['B.US']],
    )
    two.close()
    await settled()
    assert.deepEqual(connection.of('unsubscribe').at(-1), { t: 'unsubscribe', id: 1 })
    await world.pulse()
    assert.equal(connection.subs.length, 0)
  })

  test('with other options get an id of their own', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    await using client = world.client()
    client.subscribe({ feed: 'quote', symbols: ['A.US'] })
    client.subscribe({ feed: 'quote', symbols: ['A.US'], maxRate: 2 })
    client.subscribe({ feed: 'quote', symbols: ['A.US'], image: false })
    client.subscribe({ feed: 'quote', symbols: ['A.US'], fields: ['last'] })
    await settled()
    const frames = gateway.connection.of('subscribe')
    assert.deepEqual(
      frames.map(({ id, maxRate, image, fields }) => ({ id, maxRate, image, fields })),
      [
        { id: 1, maxRate: undefined, image: undefined, fields: undefined },
        { id: 2, maxRate: 2, image: undefined, fields: undefined },
        { id: 3, maxRate: undefined, image: false, fields: undefined },
        { id: 4, maxRate: undefined, image: undefined, fields: ['last'] },
      ],
    )
  })

  test('subscribe, unsubscribe, subscribe in a row: the last one counts, and the digests agree', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    world.publish('A.US', { last: 1 })
    await using client = world.client()
    await settled()
    const updates: Update[] = []
    client.subscribe({ feed: 'quote', symbols: ['A.US'] }).close()
    const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US', 'B.US'] }, { onUpdate: (update) => updates.push(update) })
    await settled()
    quotes.remove(['A.US'])
    quotes.add(['A.US'])
    await settled()
    quotes.remove(['A.US', 'B.US'])
    await settled()
    quotes.add(['A.US'])
    await settled()
    await world.pulse()
    assert.equal(quotes.get('A.US')!.state.state, 'live')
    assert.deepEqual(quotes.get('A.US')!.values, { last: 1 })
    const ack = gateway.connection.lastPulseAck!
    assert.deepEqual([ack.count, ack.digest], [1, gateway.connection.digest.value])
  })

  test('the last symbol removed and a new one added in one go: the server closes the id and opens it again', async () => {
    const world = new World()
    world.gateway('gw-1')
    await using client = world.client()
    const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US'] })
    await settled()
    quotes.add(['B.US'])
    quotes.remove(['A.US'])
    await settled()
    await world.pulse()
    assert.equal(quotes.get('B.US')!.state.state, 'live')
  })

  test('an answer that crosses its unsubscribe does not bring the symbol back', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    await using client = world.client()
    await settled()
    gateway.frozen = true
    const quotes = client.subscribe({ feed: 'quote', symbols: ['C.HK'], patterns: ['*.HK'] })
    await settled()
    quotes.remove(['C.HK'])
    await settled()
    gateway.frozen = false
    await settled()
    await world.pulse()
    assert.deepEqual([...quotes.symbols], [])
    assert.equal(quotes.state.state, 'live')
    world.publish('C.HK', { last: 1 })
    await world.pulse()
    assert.equal(quotes.get('C.HK')!.state.state, 'live', 'brought anew by the pattern')
  })

  test('a thousand symbols fit the limit of a message, in as many frames as it takes', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    gateway.messageBytesMax = 2048
    const symbols = Array.from({ length: 1000 }, (_, index) => `SYM${index}é.HK`)
    await using client = world.client()
    const quotes = client.subscribe({ feed: 'quote', symbols })
    await settled()
    assert.equal(gateway.connection.subs.length, 1000)
    assert.ok(gateway.connection.of('subscribe').length > 5)
    await world.pulse()
    assert.equal(quotes.state.state, 'live')
    quotes.remove(symbols.slice(1))
    await settled()
    assert.equal(gateway.connection.subs.length, 1)
  })

  test('refusals are told per symbol; when all are refused, the iterator throws', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    gateway.refusals.set('X.US', ['symbol_unknown', 'never seen'])
    await using client = world.client()
    const ended: EndedEvent[] = []
    const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US', 'X.US', ''] }, { onEnded: (event) => ended.push(event) })
    await settled()
    await world.pulse()
    assert.deepEqual(
      ended.map(({ symbol, code }) => [symbol, code]),
      [
        ['', 'symbol_invalid'],
        ['X.US', 'symbol_unknown'],
      ],
    )
    assert.equal(quotes.state.state, 'live', 'of those that go on')
    const { state, reason, message } = quotes.get('X.US')!.state
    assert.deepEqual({ state, reason, message }, { state: 'ended', reason: 'symbol_unknown', message: 'never seen' })

    const none = client.subscribe({ feed: 'nothing', symbols: ['A.US', 'B.US'] })
    await assert.rejects(none[Symbol.asyncIterator]().next(), (error) => {
      return error instanceof PulsewireError && error.code === 'subscription_ended' && /feed_unknown/.test(error.message)
    })
    assert.equal(none.state.state, 'ended')

    gateway.refusals.clear()
    quotes.add(['X.US'])
    await settled()
    await world.pulse()
    assert.equal(quotes.get('X.US')!.state.state, 'live', 'asked for again, it comes')
  })

  test('a pattern that is refused later, for want of room, is ended by its name; what it brought goes on', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    world.publish('A.HK', { last: 1 })
    await using client = world.client()
    const ended: EndedEvent[] = []
    const quotes = client.subscribe({ feed: 'quote', patterns: ['*.HK'] }, { onEnded: (event) => ended.push(event) })
    await settled()
    await world.pulse()
    gateway.connection.send({ t: 'subscribed', id: 1, refused: [['*.HK', 'subscriptions_limit', 'no room']] })
    await settled()
    assert.deepEqual(
      ended.map(({ symbol, code }) => [symbol, code]),
      [['*.HK', 'subscriptions_limit']],
    )
    await world.pulse()
    assert.equal(quotes.get('A.HK')!.state.state, 'live')
    gateway.connection.close(4200)
    await world.clock.advance(300)
    await world.pulse()
    const named = gateway.connection.of('subscribe').flatMap(({ symbols = [], patterns = [] }) => [...symbols, ...patterns])
    assert.deepEqual(named, ['A.HK'], 'asked for by its name from now on')
  })

  test('every option survives a reconnect', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1', { mode: 'every' })
    gateway.groups.set('tech', ['MSFT.US'])
    world.publish('0700.HK', { last: 1, bid: 1 })
    await using client = world.client()
    client.subscribe({ feed: 'quote', symbols: ['A.US'], patterns: ['*.HK'], groups: ['tech'], fields: ['last', 'bid'] })
    client.subscribe({ feed: 'quote', symbols: ['A.US'], image: false })
    client.subscribe({ feed: 'quote', symbols: ['A.US'], delivery: 'every' })
    client.subscribe({ feed: 'quote', symbols: ['A.US'], delivery: 'latest', maxRate: 1 })
    await settled()
    const asked = (frames: readonly SubscribeFrame[]) => {
      const names = { symbols: new Set<string>(), patterns: new Set<string>(), groups: new Set<string>() }
      const options = new Set<string>()
      for (const { feed, fields, maxRate, delivery, image, ...named } of frames) {
        options.add(JSON.stringify([feed, fields, maxRate, delivery, image]))
        for (const kind of ['symbols', 'patterns', 'groups'] as const) for (const name of named[kind] ?? []) names[kind].add(name)
      }
      return {
        options: [...options].sort(),
        patterns: [...names.patterns],
        groups: [...names.groups],
        hasSymbol: names.symbols.has('A.US'),
      }
    }
    const first = asked(gateway.connection.of('subscribe'))
    assert.equal(first.options.length, 4)
    const session = gateway.connection
    session.close(4200)
    await world.clock.advance(1000)
    assert.notEqual(gateway.connection, session)
    assert.deepEqual(asked(gateway.connection.of('subscribe')), first)
  })

  test('the client is told that it is slow, and that it has caught up', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    await using client = world.client()
    const codes: string[] = []
    client.on('notice', ({ code }) => codes.push(code))
    client.subscribe({ feed: 'quote', symbols: ['A.US'] })
    await settled()
    for (const code of ['slow', 'caught_up'] as const) gateway.connection.send({ t: 'notice', code, message: '' })
    await settled()
    assert.deepEqual(codes, ['slow', 'caught_up'])
  })

  test('what the server ended is not asked for again after a reconnect', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    await using client = world.client()
    const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US', 'B.US'] })
    await settled()
    gateway.connection.send({ t: 'ended', id: 1, symbols: [['B.US', 'feed_closed', 'over']] })
    await settled()
    assert.equal(quotes.get('B.US')!.state.reason, 'feed_closed')
    gateway.connection.close(4200)
    await world.clock.advance(300)
    assert.deepEqual(gateway.connection.of('subscribe')[0]!.symbols, ['A.US'])
  })

  test('a refusal that passes by itself is retried; the symbol is stale meanwhile', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    gateway.refusals.set('A.US', ['upstream_timeout', 'nobody answered'])
    await using client = world.client()
    const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US'] })
    await world.run(2000)
    assert.deepEqual([quotes.state.state, quotes.state.reason], ['stale', 'upstream_disconnected'])
    gateway.refusals.clear()
    await world.run(6000)
    assert.equal(quotes.state.state, 'live')
  })

  test('names everything again when the server asks, and drops what it no longer has', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    world.publish('A.US', { last: 1 })
    await using client = world.client()
    const updates: Update[] = []
    const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US', 'B.US'] }, { onUpdate: (update) => updates.push(update) })
    await settled()
    await world.pulse()
    const { connection } = gateway
    // The server has lost one: its set is without B.US.
    const lost = connection.subs.findIndex(({ symbol }) => symbol === 'B.US')
    connection.subs.splice(lost, 1)
    connection.digest.remove(1, 'B.US')
    connection.send({ t: 'resubscribe', count: 1, digest: connection.digest.value }, { t: 'mark', mark: 7 })
    await settled()
    const frames = connection.received.slice(-2)
    assert.equal(frames[0]!.t, 'subscribe')
    assert.deepEqual(frames[1], { t: 'ack', mark: 7 }, 'the mark is acknowledged behind the new subscribes')
    await world.pulse()
    const ack = connection.lastPulseAck!
    assert.deepEqual([ack.count, ack.digest], [2, connection.digest.value])
    assert.equal(quotes.state.state, 'live')
    assert.equal(updates.length, 1, 'the image was held already')
  })

  test('what the server dropped because it was not named again is proven by nothing, and named once more', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    world.publish('A.US', { last: 1 })
    await using client = world.client()
    const ended: unknown[] = []
    const shown: string[] = []
    const options = { onEnded: (event: unknown) => ended.push(event), onState: ({ state }: SymbolState) => shown.push(state) }
    const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US', 'B.US'] }, options)
    const known = client.subscribe({ feed: 'quote', patterns: ['A.*'] }, options)
    await settled()
    await world.pulse()
    const { connection } = gateway
    const asked = connection.received.length
    shown.length = 0
    connection.send({ t: 'ended', id: 1, symbols: [['A.US', 'not_named', '']] }, { t: 'ended', id: 2, symbols: [['A.*', 'not_named', '']] })
    await settled()
    const named = connection.received.slice(asked).flatMap((frame) => (frame.t === 'subscribe' ? [frame.id] : []))
    assert.deepEqual(named, [1, 2])
    await world.pulse()
    assert.deepEqual([quotes.state.state, known.state.state, ended, shown], ['live', 'live', [], ['stale', 'stale', 'live', 'live']])
    // Nobody wants it any more: nothing is to be named.
    known.close()
    await settled()
    const left = connection.received.length
    connection.send({ t: 'ended', id: 2, symbols: [['A.*', 'not_named', '']] })
    await settled()
    assert.equal(connection.received.length, left)
  })

  test('stale and live for single symbols concern only these', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    world.publish('A.US', { last: 1 })
    await using client = world.client()
    const changes: [SymbolState, StateChange][] = []
    const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US', 'B.US'] }, { onState: (...args) => changes.push(args) })
    await settled()
    await world.pulse()
    changes.length = 0
    gateway.connection.send({ t: 'stale', feed: 'quote', symbols: ['A.US'], hop: 'push-a1', reason: 'resyncing', since: 5 })
    await settled()
    assert.equal(quotes.get('A.US')!.state.reason, 'resyncing')
    assert.equal(quotes.get('B.US')!.state.state, 'live')
    assert.equal(quotes.state.state, 'stale', 'the worst of its symbols')
    gateway.connection.send({ t: 'live', feed: 'quote', symbols: ['A.US'] })
    await settled()
    assert.deepEqual(
      changes.map(([state, { symbols }]) => [state.state, symbols]),
      [
        ['stale', ['A.US']],
        ['live', ['A.US']],
      ],
    )
  })

  test('a feed that is no longer used does not make the client run', async () => {
    const world = new World()
    world.gateway('gw-1')
    world.gateway('gw-2')
    await using client = world.client()
    const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US'] })
    await world.run(2000)
    quotes.close()
    for (let second = 0; second < 30; second++) {
      await world.clock.advance(1000)
      for (const gateway of world.gateways) gateway.heartbeat()
      await settled()
    }
    assert.equal(world.attempts.length, 1)
    const again = client.subscribe({ feed: 'quote', symbols: ['A.US'] })
    await settled()
    assert.equal(again.state.state, 'pending', 'not stale for the time when nobody asked')
    await world.pulse()
    assert.equal(again.state.state, 'live')
  })

  test('a feed of which all was refused does not make the client run either', async () => {
    const world = new World()
    world.gateway('gw-1').refusals.set('A.US', ['symbol_unknown', ''])
    world.gateway('gw-2')
    await using client = world.client()
    client.subscribe({ feed: 'quote', symbols: ['A.US'] })
    for (let second = 0; second < 30; second++) {
      await world.clock.advance(1000)
      for (const gateway of world.gateways) gateway.heartbeat()
      await settled()
    }
    assert.equal(world.attempts.length, 1)
    assert.equal(client.state, 'open')
  })

  test('a callback that throws disturbs nothing and is reported', async () => {
    const world = new World()
    world.gateway('gw-1')
    world.publish('A.US', { last: 1 })
    await using client = world.client()
    const errors: PulsewireError[] = []
    client.on('error', (error) => errors.push(error))
    const seen: Update[] = []
    const fault = new Error('mine')
    client.subscribe(
      { feed: 'quote', symbols: ['A.US'] },
      {
        onUpdate: () => {
          throw fault
        },
      },
    )
    client.subscribe({ feed: 'quote', symbols: ['A.US'] }, { onUpdate: (update) => seen.push(update) })
    await settled()
    assert.equal(seen.length, 1)
    assert.deepEqual(
      errors.map(({ code, cause }) => [code, cause]),
      [['callback_failed', fault]],
    )
    assert.equal(client.state, 'open')
  })

  test('closing from within a callback is fine', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    for (const symbol of ['A.US', 'B.US', 'C.US']) world.publish(symbol, { last: 1 })
    const client = world.client()
    let calls = 0
    const quotes = client.subscribe(
      { feed: 'quote', symbols: ['A.US', 'B.US', 'C.US'] },
      {
        onUpdate: () => {
          calls++
          quotes.close()
          void client.close()
        },
      },
    )
    await settled()
    assert.equal(calls, 1)
    assert.equal(gateway.connections[0]!.open, false)
  })

  test('mistakes in the options are told at once', async () => {
    const world = new World()
    world.gateway('gw-1')
    await using client = world.client()
    const bad: object[] = [
      { feed: '' },
      { feed: 'quote', symbols: 'AAPL.US' },
      { feed: 'quote', symbols: [1] },
      { feed: 'quote', maxRate: 0 },
      { feed: 'quote', maxRate: 2, delivery: 'every' },
      { feed: 'quote', delivery: 'all' },
      { feed: 'quote', image: 'no' },
      { feed: 'quote', queueMax: 0 },
    ]
    for (const options of bad) {
      assert.throws(() => client.subscribe(options as { feed: string }), { code: 'options_invalid' }, JSON.stringify(options))
    }
    for (const options of [{ url: [] }, { url: 'http://x' }, { url: 'ws://x', encoding: 'xml' }, { url: 'ws://x', staleAfterMs: 0 }]) {
      assert.throws(() => world.client(options as { url: string }), /PulsewireError/, JSON.stringify(options))
    }
  })
})
