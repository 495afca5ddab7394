/** Tabs, ports and a worker in memory, on one clock; the client behind them is a real one, on scripted gateways. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Update } from '../subscription/update.ts'
import { FakeClock } from '../test-support/fake-clock.ts'
import { settled, World } from '../test-support/world.ts'
import { SharedClient } from './shared-client.ts'
import { type HostPort, TabHost } from './tab-host.ts'

/** One end of a `MessageChannel`. Messages are cloned, as between threads. */
class Port implements HostPort {
  onmessage: HostPort['onmessage'] = null
  other: Port | undefined
  /** What the other end sends is kept, as for a tab that the browser has frozen. */
  frozen = false
  readonly kept: unknown[] = []

  postMessage(message: unknown): void {
    const data: unknown = structuredClone(message)
    queueMicrotask(() => this.other?.arrive(data))
  }

  arrive(data: unknown): void {
    if (this.frozen) this.kept.push(data)
    else this.onmessage?.({ data })
  }

  thaw(): void {
    this.frozen = false
    for (const data of this.kept.splice(0)) this.onmessage?.({ data })
  }

  close(): void {
    this.other = undefined
  }
}

function channel(): [Port, Port] {
  const [a, b] = [new Port(), new Port()]
  a.other = b
  b.other = a
  return [a, b]
}

/** A browser with one shared worker, and one gateway for it. */
class Browser {
  readonly world = new World(1)
  readonly gateway = this.world.gateway('gw-1')
  readonly ports: Port[] = []
  /** By the name of the lock: what the worker does when it can have it. */
  readonly locks: (() => void)[] = []
  workers = 0
  hasWorkers = true
  host = this.#newHost()

  #newHost(): TabHost {
    return new TabHost({
      makeClient: () => this.world.client(),
      clock: this.world.clock,
      watchLock: (_name, gone) => {
        this.locks.push(gone)
        return () => {}
      },
    })
  }

  /** The worker is gone, with all that it knew; the next one that is opened is another. */
  crash(): void {
    for (const port of this.ports) {
      if (port.other !== undefined) port.other.other = undefined
      port.other = undefined
    }
    this.host = this.#newHost()
  }

  /** @param clock of the tab; one that is frozen has a clock of its own, which a test moves. */
  tab(clock: FakeClock = this.world.clock): SharedClient {
    const { environment } = this.world
    return new SharedClient({
      clock,
      own: { url: this.world.address(this.gateway), environment },
      worker: () => {
        if (!this.hasWorkers) throw new ReferenceError('SharedWorker is not defined')
        this.workers++
        const [tab, host] = channel()
        this.ports.push(tab)
        this.host.attach(host)
        return { port: tab, onerror: null }
      },
    })
  }

  /** Time passes with pulses, and everything that follows from them is through. */
  async run(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= 500) {
      await this.world.clock.advance(Math.min(500, leftMs))
      await this.world.pulse()
      await through()
    }
  }

  /** Symbols that the gateway is asked for, over all its connections. */
  get wanted(): string[] {
    return this.gateway.connections.filter(({ open }) => open).flatMap(({ subs }) => subs.map(({ symbol }) => symbol))
  }
}

async function through(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await settled()
}

const QUOTES = { feed: 'quote', symbols: ['A.US'] } as const

test('a tab knows how late a delayed feed is, and still when the connection is lost', async () => {
  const browser = new Browser()
  browser.gateway.feed = { ...browser.gateway.feed, delayMs: 900_000, delayOf: 'real' }
  const tab = browser.tab()
  browser.world.publish('A.US', { last: 1 })
  const quotes = tab.subscribe(QUOTES)
  await browser.run(1000)
  assert.deepEqual([quotes.delayMs, quotes.state], [900_000, { state: 'live', delayMs: 900_000 }])
  browser.gateway.down = true
  browser.gateway.connection.close(1006)
  await browser.run(500)
  assert.deepEqual([quotes.delayMs, quotes.state.state], [900_000, 'stale'])
  await tab.close()
})

test('tabs share one connection; a symbol that several want is subscribed once, and released with the last of them', async () => {
  const browser = new Browser()
  const [one, two] = [browser.tab(), browser.tab()]
  browser.world.publish('A.US', { last: 1 })
  const first = one.subscribe(QUOTES)
  const second = two.subscribe({ feed: 'quote', symbols: ['A.US', 'B.US'] })
  await browser.run(1000)
  assert.deepEqual(
    [first.state.state, second.state.state, first.get('A.US')?.values, second.get('A.US')?.values],
    ['live', 'live', { last: 1 }, { last: 1 }],
  )
  assert.equal(browser.gateway.connections.length, 1)
  assert.deepEqual(browser.wanted.sort(), ['A.US', 'B.US'])
  assert.deepEqual([one.state, one.session?.node, two.session?.node, one.isAlone], ['open', 'gw-1', 'gw-1', false])
  assert.equal(one.freshness('quote').length, 1)
  // The second crashes: the browser gives its lock away.
  browser.locks[1]!()
  await browser.run(500)
  assert.deepEqual(browser.wanted, ['A.US'])
  browser.world.publish('A.US', { last: 2 })
  await browser.run(500)
  assert.deepEqual([first.state.state, first.get('A.US')?.values], ['live', { last: 2 }])
  await one.close()
  await browser.run(500)
  assert.deepEqual([browser.wanted, browser.host.size], [[], 0])
  await browser.run(3500)
  assert.ok(!browser.gateway.connections[0]!.open, 'without tabs there is no connection')
})

test('updates, changes, iterators, add, remove and refusals are as with a client of its own', async () => {
  const browser = new Browser()
  const tab = browser.tab()
  browser.world.publish('A.US', { last: 1, bid: 1 })
  const updates: Update[] = []
  const ended: string[] = []
  const quotes = tab.subscribe(QUOTES, {
    onUpdate: (update) => updates.push(update),
    onEnded: ({ symbol, code }) => ended.push(`${symbol} ${code}`),
  })
  await browser.run(500)
  const iterator = quotes[Symbol.asyncIterator]()
  assert.deepEqual((await iterator.next()).value!.values, { last: 1, bid: 1 })
  browser.world.publish('A.US', { last: 2, bid: 1 })
  await browser.run(500)
  const { value } = await iterator.next()
  assert.deepEqual([value!.values, value!.changed, value!.n, value!.state.state], [{ last: 2, bid: 1 }, ['last'], 1, 'live'])
  assert.equal(updates.length, 2)
  browser.world.publish('B.US', { last: 7 })
  quotes.add(['B.US', 'x'.repeat(65)])
  await browser.run(500)
  assert.deepEqual([quotes.get('B.US')?.values, quotes.get('x'.repeat(65))?.state.state], [{ last: 7 }, 'ended'])
  assert.deepEqual(ended, [`${'x'.repeat(65)} symbol_invalid`])
  quotes.remove(['A.US'])
  await browser.run(500)
  assert.deepEqual(browser.wanted, ['B.US'])
  assert.throws(() => tab.subscribe({ feed: '' }), { code: 'options_invalid' })
  quotes.close()
  assert.equal(quotes.state.state, 'ended')
  assert.equal((await iterator.next()).value!.symbol, 'B.US')
  assert.equal((await iterator.next()).done, true)
  await tab.close()
  assert.throws(() => tab.subscribe(QUOTES), { code: 'client_closed' })
})

test('staleness reaches every tab with hop and reason', async () => {
  const browser = new Browser()
  const tabs = [browser.tab(), browser.tab()]
  const quotes = tabs.map((tab) => tab.subscribe(QUOTES))
  await browser.run(1000)
  browser.gateway.frozen = true
  await browser.world.clock.advance(3000)
  await through()
  for (const each of quotes) assert.deepEqual([each.state.state, each.state.hop, each.state.reason], ['stale', 'gw-1', 'no_pulse'])
})

test('a worker that says nothing is no proof: what it called live is stale when its time is over, also to who only reads', async () => {
  const browser = new Browser()
  const tab = browser.tab()
  browser.world.publish('A.US', { last: 1 })
  const states: string[] = []
  const quotes = tab.subscribe(QUOTES, { onState: ({ state, hop = '' }) => states.push(`${state} ${hop}`) })
  await browser.run(1000)
  browser.ports[0]!.frozen = true
  browser.world.clock.jump(2600)
  assert.deepEqual([quotes.state.state, quotes.get('A.US')!.state.hop, tab.state], ['stale', 'shared worker', 'connecting'])
  assert.deepEqual(quotes.get('A.US')!.values, { last: 1 }, 'the image stays')
  await through()
  assert.equal(states.at(-1), 'stale shared worker')
  browser.ports[0]!.thaw()
  await browser.run(500)
  assert.deepEqual([quotes.state.state, states.at(-1)], ['live', 'live '])
})

test('a worker that is gone is opened anew, and says what was missed; where that is in vain, the tab connects by itself', async () => {
  const browser = new Browser()
  const tab = browser.tab()
  browser.world.publish('A.US', { last: 1 })
  const resumed: unknown[] = []
  const quotes = tab.subscribe(QUOTES, { onResume: (event) => resumed.push(event) })
  await browser.run(1000)
  browser.crash()
  browser.world.publish('A.US', { last: 2 })
  await browser.run(12_000)
  assert.deepEqual([browser.workers, tab.isAlone, quotes.state.state, quotes.get('A.US')?.values], [2, false, 'live', { last: 2 }])
  assert.deepEqual(resumed, [{ recovered: [], missed: ['A.US'] }])
  browser.hasWorkers = false
  browser.crash()
  await browser.run(12_000)
  assert.deepEqual([tab.isAlone, quotes.state.state], [true, 'live'])
  await tab.close()
})

test('where there are no shared workers, the tab has a connection of its own', async () => {
  const browser = new Browser()
  browser.hasWorkers = false
  const tab = browser.tab()
  browser.world.publish('A.US', { last: 1 })
  const quotes = tab.subscribe(QUOTES)
  await browser.run(1000)
  assert.deepEqual([tab.isAlone, tab.state, quotes.state.state, quotes.get('A.US')?.values], [true, 'open', 'live', { last: 1 }])
  await tab.close()
  await browser.run(4000)
  assert.ok(!browser.gateway.connections[0]!.open)
})

test('what waits for a frozen tab is bounded, it gets the newest; one that is frozen for long is given up, and comes back by itself', async () => {
  const browser = new Browser()
  const clock = new FakeClock()
  const tab = browser.tab(clock)
  const other = browser.tab()
  const quotes = tab.subscribe(QUOTES)
  const others = other.subscribe({ feed: 'quote', symbols: ['B.US'] })
  await browser.run(1000)
  const port = browser.ports[0]!
  port.frozen = true
  for (let last = 1; last <= 100; last++) {
    browser.world.publish('A.US', { last })
    await through()
  }
  assert.ok(port.kept.length <= 20, `${port.kept.length} bunches wait`)
  port.thaw()
  await browser.run(500)
  assert.deepEqual([quotes.get('A.US')?.values, quotes.state.state], [{ last: 100 }, 'live'])
  port.frozen = true
  await browser.run(36_000)
  assert.deepEqual([browser.wanted, browser.host.size, others.state.state], [['B.US'], 1, 'live'])
  browser.world.publish('A.US', { last: 200 })
  clock.jump(40_000)
  port.thaw()
  await browser.run(2000)
  assert.deepEqual([quotes.get('A.US')?.values, quotes.state.state, browser.host.size], [{ last: 200 }, 'live', 2])
})

test('a worker of another version is not used', async () => {
  const browser = new Browser()
  browser.host.attach = (port) => {
    port.onmessage = () => port.postMessage({ bunch: 1, items: [{ t: 'refused' }] })
  }
  const tab = browser.tab()
  const quotes = tab.subscribe(QUOTES)
  await browser.run(1000)
  assert.deepEqual([tab.isAlone, quotes.state.state], [true, 'live'])
  await tab.close()
})
