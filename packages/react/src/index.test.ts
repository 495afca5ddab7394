import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { SubscribeOptions } from '@pulsewire/client'
import { GlobalRegistrator } from '@happy-dom/global-registrator'
import { createElement as h, StrictMode } from 'react'
import { World } from '../../client/src/test-support/world.ts'
import { PulsewireProvider, type Quotes, useQuote, useQuotes } from './index.ts'

describe('quotes in a page', () => {
  let act: (callback: () => Promise<void> | void) => Promise<void>
  let createRoot: typeof import('react-dom/client')['createRoot']
  let world: World
  let client: ReturnType<World['client']>
  let renders = 0
  let seen: Quotes

  before(async () => {
    GlobalRegistrator.register()
    Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })
    act = (await import('react')).act
    createRoot = (await import('react-dom/client')).createRoot
  })
  after(() => GlobalRegistrator.unregister())

  beforeEach(() => {
    world = new World()
    world.gateway('gw-1')
    client = world.client()
    renders = 0
  })

  function Board({ options }: { readonly options: SubscribeOptions }) {
    renders++
    seen = useQuotes(options)
    return h(
      'p',
      null,
      `${seen.state.state}: ${[...seen.quotes.values()].map(({ symbol, values, state }) => `${symbol} ${values?.['last']} ${state.state}`).join(', ')}`,
    )
  }

  async function show(element: Parameters<ReturnType<typeof createRoot>['render']>[0]) {
    const container = document.createElement('div')
    const root = createRoot(container)
    await act(async () => root.render(h(StrictMode, null, h(PulsewireProvider, { client }, element))))
    /** Lets the system run, and the page draw. */
    const pass = async (ms: number) => {
      await act(async () => {
        await world.run(ms)
        await new Promise((resolve) => requestAnimationFrame(resolve))
      })
    }
    return { root, container, pass }
  }

  test('are live with their values once they are proven, and stale when the proof does not come', async () => {
    const { root, container, pass } = await show(h(Board, { options: { feed: 'quote', symbols: ['A.US', 'B.US'] } }))
    assert.match(container.textContent, /^pending: /)
    world.publish('A.US', { last: 1 })
    await pass(2000)
    world.publish('B.US', { last: 2 })
    await pass(1000)
    assert.equal(container.textContent, 'live: A.US 1 live, B.US 2 live')
    const [a] = seen.quotes.values()
    world.publish('B.US', { last: 3 })
    await pass(1000)
    assert.equal(container.textContent, 'live: A.US 1 live, B.US 3 live')
    assert.equal([...seen.quotes.values()][0], a, 'what did not change is the same object')
    await act(async () => {
      await world.clock.advance(4000)
      await new Promise((resolve) => requestAnimationFrame(resolve))
    })
    assert.match(container.textContent, /^stale: A\.US 1 stale, B\.US 3 stale$/)
    await act(async () => root.unmount())
  })

  test('draw once per frame, however many updates come', async () => {
    const { root, pass } = await show(h(Board, { options: { feed: 'quote', symbols: ['A.US'] } }))
    await pass(2000)
    const before = renders
    for (let last = 0; last < 100; last++) world.publish('A.US', { last })
    await act(async () => {
      await new Promise((resolve) => requestAnimationFrame(resolve))
      await new Promise((resolve) => requestAnimationFrame(resolve))
    })
    assert.equal(seen.quotes.get('A.US')?.values?.['last'], 99)
    // Strict mode draws everything twice.
    assert.ok(renders - before <= 4, `${renders - before} renderings`)
    await act(async () => root.unmount())
  })

  test('are subscribed once per component, not anew for options that mean the same, and no more when it is gone', async () => {
    const gateway = world.gateways[0]!
    const { root, pass } = await show(h(Board, { options: { feed: 'quote', symbols: new Set(['A.US']) } }))
    await pass(1000)
    const subscribed = () => gateway.connections.flatMap(({ received }) => received).filter(({ t }) => t === 'subscribe').length
    const first = subscribed()
    const again = (symbols: Iterable<string>) =>
      act(async () => root.render(h(StrictMode, null, h(PulsewireProvider, { client }, h(Board, { options: { feed: 'quote', symbols } })))))
    await again(new Set(['A.US']))
    await pass(1000)
    assert.equal(subscribed(), first)
    await again(['B.US'])
    await pass(1000)
    assert.deepEqual([...seen.quotes.keys()], ['B.US'])
    await act(async () => root.unmount())
    await pass(1000)
    assert.deepEqual(gateway.connections.flatMap(({ received }) => received).filter(({ t }) => t === 'unsubscribe').length > 0, true)
  })

  test('of one symbol are undefined until there is one; without a provider it is said what is missing', async () => {
    let last: unknown = 'none'
    const One = () => {
      const quote = useQuote('quote', 'A.US')
      last = quote?.values?.['last']
      return null
    }
    const { root, pass } = await show(h(One))
    assert.equal(last, undefined)
    world.publish('A.US', { last: 7 })
    await pass(1000)
    assert.equal(last, 7)
    await act(async () => root.unmount())
    const { renderToString } = await import('react-dom/server')
    assert.throws(() => renderToString(h(One)), /PulsewireProvider/)
    assert.equal(
      renderToString(h(PulsewireProvider, { client }, h(Board, { options: { feed: 'quote', symbols: ['A.US'] } }))),
      '<p>pending: </p>',
    )
  })
})
