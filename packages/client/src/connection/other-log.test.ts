import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FeedMode } from '@pulsewire/protocol'
import type { SymbolState } from '../freshness/state.ts'
import type { ResumeEvent } from '../subscription/options.ts'
import type { Gap, Update } from '../subscription/update.ts'
import { FakeLog } from '../test-support/fake-gateway.ts'
import { settled, World } from '../test-support/world.ts'

const AAPL = 'AAPL.US'
/** So far is the log of the first zone ahead: its positions are higher than any of the other's. */
const AHEAD = 50

/**
 * Two zones with a log of their own, a gateway in each, and a client that is live at the first one. What comes to it is
 * told by the `last` of each update.
 */
async function twoZones(mode: FeedMode, names: readonly (string | undefined)[] = ['log-a', 'log-b']) {
  const world = new World()
  const other = new FakeLog()
  const [home, away] = names.map((log, index) => {
    return world.gateway(`gw-${index + 1}`, { mode, ...(log === undefined ? {} : { log }) }, index === 0 ? world.log : other)
  }) as [ReturnType<World['gateway']>, ReturnType<World['gateway']>]
  for (let last = 1; last <= AHEAD; last++) world.publish(AAPL, { last })
  world.publish(AAPL, { last: 1001 }, other)
  const client = world.client()
  const states: SymbolState[] = []
  const updates: Update[] = []
  const gaps: Gap[] = []
  const resumed: ResumeEvent[] = []
  const quotes = client.subscribe(
    { feed: 'quote', symbols: [AAPL] },
    {
      onState: (state) => states.push(state),
      onUpdate: (update) => updates.push(update),
      onGap: (gap) => gaps.push(gap),
      onResume: (event) => resumed.push(event),
    },
  )
  await settled()
  await world.run(6000)
  assert.equal(quotes.state.state, 'live')
  const reset = () => {
    for (const list of [states, updates, gaps, resumed]) list.length = 0
  }
  reset()
  const values = () => updates.map((update) => update.values['last'])
  /** The serving gateway asks it to go to this one. */
  const sendTo = (from: typeof home, to: typeof home) => {
    const addresses = [world.address(to)]
    from.connection.send({ t: 'goodbye', code: 'rebalance', message: '', reconnectAfterMs: 50, addresses })
  }
  return { world, other, home, away, client, quotes, states, updates, gaps, resumed, values, reset, sendTo }
}

describe('a gateway of another log', () => {
  for (const mode of ['latest', 'every'] as const) {
    test(`after a loss: nothing is resumed, its values are shown whatever their positions, and it is told (${mode})`, async () => {
      const { world, other, home, away, client, quotes, updates, gaps, resumed, values } = await twoZones(mode)
      home.down = true
      home.connection.close(1006)
      await world.run(4000)
      assert.equal(client.session?.node, 'gw-2')
      assert.equal(away.connection.of('subscribe')[0]!.from, undefined)
      world.publish(AAPL, { last: 1002 }, other)
      await world.run(1000)
      assert.deepEqual(values(), [1001, 1002])
      assert.deepEqual(
        updates.map(({ recovered, snapshot }) => [recovered, snapshot]),
        [
          [false, true],
          [undefined, false],
        ],
      )
      assert.deepEqual([quotes.state.state, quotes.get(AAPL)!.values!['last']], ['live', 1002])
      // What lies between is not known: for whoever counts records that is a gap.
      assert.equal(gaps.length, mode === 'every' ? 1 : 0)
      assert.deepEqual(resumed, [{ recovered: [], missed: [AAPL] }])
      assert.equal(away.connection.of('subscribe').length, 1, 'no repair was asked for')
      await client.close()
    })

    test(`on a move: not a value of it is shown before it serves, none of the old one after, and nothing turns stale (${mode})`, async () => {
      const { world, other, home, away, client, quotes, states, updates, resumed, values, sendTo } = await twoZones(mode)
      sendTo(home, away)
      let next = 0
      const seen: string[] = []
      for (let step = 0; step < 60; step++) {
        const before = updates.length
        world.publish(AAPL, { last: 100 + next })
        world.publish(AAPL, { last: 2000 + next++ }, other)
        await world.clock.advance(100)
        if (step % 10 === 9) await world.pulse()
        for (const update of updates.slice(before)) seen.push(Number(update.values['last']) < 1000 ? 'home' : 'away')
      }
      assert.equal(client.session?.node, 'gw-2')
      const firstAway = seen.indexOf('away')
      assert.ok(firstAway > 0, `${seen.join(' ')}`)
      assert.deepEqual(new Set(seen.slice(0, firstAway)), new Set(['home']))
      assert.deepEqual(new Set(seen.slice(firstAway)), new Set(['away']))
      // From where it began to serve, each once and in order.
      const away2 = values().slice(firstAway).map(Number)
      assert.deepEqual(
        away2,
        Array.from({ length: away2.length }, (_, index) => away2[0]! + index),
      )
      assert.equal(away2.at(-1), 2059)
      assert.deepEqual([updates[firstAway]!.recovered, updates[firstAway]!.snapshot], [false, true])
      assert.deepEqual(resumed, [{ recovered: [], missed: [AAPL] }])
      assert.deepEqual([states, quotes.state.state], [[], 'live'])
      await client.close()
    })
  }

  test('that has no record of a symbol: what was held of it is shown no more', async () => {
    for (const isMove of [false, true]) {
      const { world, home, client, quotes, resumed, sendTo, away } = await twoZones('latest')
      world.publish('ONLY.A', { last: 5 })
      quotes.add(['ONLY.A'])
      await world.run(2000)
      assert.equal(quotes.get('ONLY.A')!.values!['last'], 5)
      if (isMove) sendTo(home, away)
      else {
        home.down = true
        home.connection.close(1006)
      }
      await world.run(4000)
      assert.deepEqual([client.session?.node, quotes.state.state, quotes.get('ONLY.A')!.values], ['gw-2', 'live', undefined])
      assert.deepEqual(resumed.flatMap(({ missed }) => missed).sort(), [AAPL, 'ONLY.A'])
      await client.close()
    }
  })

  test('back at the first one: nothing is resumed there either, what was held of it was given up', async () => {
    const { world, home, away, client, quotes, states, values, reset, sendTo } = await twoZones('every')
    sendTo(home, away)
    await world.run(4000)
    assert.deepEqual([client.session?.node, values()], ['gw-2', [1001]])
    reset()
    world.publish(AAPL, { last: AHEAD + 1 })
    sendTo(away, home)
    await world.run(4000)
    assert.deepEqual([client.session?.node, values(), states, quotes.state.state], ['gw-1', [AHEAD + 1], [], 'live'])
    assert.equal(home.connection.of('subscribe')[0]!.from, undefined)
    await client.close()
  })

  test('a move that comes to nothing leaves nothing behind', async () => {
    const { world, other, home, away, client, resumed, updates, values, sendTo } = await twoZones('latest')
    away.pulseAgeMs = 60_000
    sendTo(home, away)
    world.publish(AAPL, { last: 1002 }, other)
    await world.run(30_000)
    world.publish(AAPL, { last: 77 })
    await settled()
    assert.deepEqual([client.session?.node, values(), resumed, updates[0]!.recovered], ['gw-1', [77], [], undefined])
    await client.close()
  })

  test('where one does not name its log, as those before this do, positions count as ever', async () => {
    for (const names of [
      [undefined, 'log-b'],
      ['log-a', undefined],
      ['log-a', 'log-a'],
    ]) {
      const { world, home, away, client } = await twoZones('latest', names)
      home.down = true
      home.connection.close(1006)
      await world.run(4000)
      assert.equal(client.session?.node, 'gw-2')
      assert.notEqual(away.connection.of('subscribe')[0]!.from, undefined)
      await client.close()
    }
  })
})
