import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PulsewireClient, type OpenSocket, type RepairEvent } from '@pulsewire/client'
import { decodeUpstreamBin, type DownstreamFrame, type UpstreamFrame } from '@pulsewire/protocol'
import { GatewayWorld } from '../support/gateway-world.ts'
import { MemoryTransport } from '../support/receiver.ts'

const SYMBOLS = ['A', 'B', 'C', 'D', 'E', 'F']
const REPAIR_MS = 5_000

/** Which frame is lost on which way. `up`: (un)subscribes; `down`: their answers. */
interface Loss {
  readonly hop: 'client up' | 'client down' | 'line A' | 'line B' | 'both lines'
  /** Lost is the n-th of its kind after everything was in order. */
  readonly nth: number
}

/** A real client on a real gateway on two real push nodes, in memory. One frame is lost, and every stream stays valid. */
class Chain {
  readonly world: GatewayWorld
  readonly client: PulsewireClient
  readonly repairs: RepairEvent[] = []
  /** Frames still to pass before the one that is lost; Infinity: none is. */
  #left = Infinity
  #loss: Loss | undefined
  lostAtMs = Infinity

  private constructor(world: GatewayWorld) {
    this.world = world
    world.lines.loses = (address, message) => {
      const isMine = this.#loss?.hop === 'both lines' || address.includes(this.#loss?.hop === 'line A' ? 'push-a1' : 'push-b1')
      return (
        isMine && this.#loss?.hop.includes('line') === true && this.#isLost(decodeUpstreamBin(message as Uint8Array) as UpstreamFrame[])
      )
    }
    const environment = { clock: world.clock, random: () => 0.5, openSocket: this.#openSocket, onWake: () => () => {} }
    this.client = new PulsewireClient({ url: 'ws://gw-1', encoding: 'json', environment })
    this.client.on('repair', (event) => this.repairs.push(event))
  }

  static async open(): Promise<Chain> {
    const world = await GatewayWorld.open()
    for (const symbol of SYMBOLS) world.record(symbol, { last: 0 })
    return new Chain(world)
  }

  /** On both lines the same frame is lost. */
  lose(loss: Loss): void {
    this.#loss = loss
    this.#left = loss.hop === 'both lines' ? 2 * loss.nth : loss.nth
  }

  /** Lets time pass as in a healthy system, with an update of each symbol now and then. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) {
      this.world.record(SYMBOLS[(passedMs / 100) % SYMBOLS.length]!, { last: this.world.clock.nowMs() })
      if (passedMs % 500 === 0) this.world.pulse()
      await this.world.clock.pass(100)
    }
  }

  async close(): Promise<void> {
    await this.client.close()
    await this.world.gateway.close()
  }

  #isLost(frames: readonly { readonly t: string }[]): boolean {
    const kinds = this.#loss?.hop === 'client down' ? ['subscribed', 'unsubscribed'] : ['subscribe', 'unsubscribe']
    if (!frames.some(({ t }) => kinds.includes(t)) || this.#left === Infinity) return false
    if (this.#left-- > 0) return false
    // On both lines: this one and the next.
    if (this.#loss?.hop !== 'both lines' || this.#left < -1) this.#left = Infinity
    this.lostAtMs = this.world.clock.nowMs()
    return true
  }

  readonly #openSocket: OpenSocket = (_url, _protocols, events) => {
    const { clock, gateway } = this.world
    const transport = new MemoryTransport('pulsewire.json.v1')
    const handler = gateway.sessions.accept(transport)
    transport.onSend = (message) => {
      if (this.#loss?.hop === 'client down' && this.#isLost(JSON.parse(message as string) as DownstreamFrame[])) return
      clock.soon(() => events.onMessage(message))
    }
    clock.soon(() => events.onOpen('pulsewire.json.v1'))
    return {
      send: (data) => {
        const frames = [JSON.parse(data as string)].flat() as UpstreamFrame[]
        if (this.#loss?.hop === 'client up' && this.#isLost(frames)) return
        clock.soon(() => handler.message(data))
      },
      close: (code) => clock.soon(() => handler.closed(code, '')),
    }
  }
}

const loss = fc.record({
  hop: fc.constantFrom<Loss['hop']>('client up', 'client down', 'line A', 'line B', 'both lines'),
  nth: fc.nat(2),
})
/** What the application does: adds (or, where it has it, removes) a symbol, after so long. */
const actions = fc.array(fc.record({ symbol: fc.constantFrom(...SYMBOLS), afterMs: fc.constantFrom(0, 100, 300, 1300) }), {
  minLength: 3,
  maxLength: 10,
})

test('whichever frame about subscriptions is lost, on either hop: all is live and right within 5 s, and stays in order', async () => {
  const seen = { lost: 0, repaired: 0 }
  await fc.assert(
    fc.asyncProperty(loss, actions, async (what, steps) => {
      const chain = await Chain.open()
      const { client, world } = chain
      const quotes = client.subscribe({ feed: 'quote', symbols: ['A'] })
      await chain.pass(2000)
      assert.equal(quotes.state.state, 'live')
      chain.lose(what)
      for (const { symbol, afterMs } of steps) {
        if (quotes.get(symbol) === undefined) quotes.add([symbol])
        else quotes.remove([symbol])
        await chain.pass(afterMs)
      }
      await chain.pass(REPAIR_MS)
      const wanted = SYMBOLS.filter((symbol) => quotes.get(symbol) !== undefined)
      for (const symbol of wanted) {
        assert.equal(quotes.get(symbol)!.state.state, 'live', `${symbol}: ${JSON.stringify(quotes.get(symbol)!.state)}`)
        assert.equal(quotes.get(symbol)!.values?.['last'], world.node('a1').symbol(symbol).values[0], symbol)
      }
      if (chain.lostAtMs < Infinity) {
        seen.lost++
        if (chain.repairs.length > 0) seen.repaired++
      }
      // Both ends of every hop agree now: nobody asks anybody again, and no node holds more or less than is wanted.
      const counts = () => [
        chain.repairs.length,
        world.gateway.sessions.repairs,
        ...['a1', 'b1'].map((id) => world.node(id).sessions.repairs),
      ]
      await chain.pass(REPAIR_MS)
      const before = counts()
      await chain.pass(REPAIR_MS)
      assert.deepEqual(counts(), before)
      for (const id of ['a1', 'b1']) {
        const held = SYMBOLS.filter((symbol) => world.node(id).symbol(symbol).entries.length > 0)
        for (const symbol of wanted) assert.ok(held.includes(symbol), `${id} does not send ${symbol}`)
      }
      assert.deepEqual(
        SYMBOLS.filter((symbol) => world.gateway.hub.feed('quote')!.obtain(symbol)!.entries.length > 0),
        wanted,
      )
      await chain.close()
    }),
    { numRuns: 60, seed: 2511 },
  )
  assert.ok(seen.lost > 20, `a frame was lost in ${seen.lost} runs only`)
  assert.ok(seen.repaired > 5, `the client saw a repair in ${seen.repaired} runs only`)
})

test('the application is told of a repair: what for, and how many there were', async () => {
  const chain = await Chain.open()
  const quotes = chain.client.subscribe({ feed: 'quote', symbols: ['A'] })
  await chain.pass(2000)
  chain.lose({ hop: 'client up', nth: 0 })
  quotes.add(['B'])
  await chain.pass(REPAIR_MS)
  assert.equal(quotes.get('B')!.state.state, 'live')
  assert.deepEqual(
    chain.repairs.map(({ reason, node, total }) => ({ reason, node, total })),
    [{ reason: 'unanswered', node: 'gw-1', total: 1 }],
  )
  chain.lose({ hop: 'client down', nth: 0 })
  quotes.add(['C'])
  await chain.pass(REPAIR_MS)
  assert.equal(quotes.get('C')!.state.state, 'live')
  assert.ok(chain.repairs.some(({ reason }) => reason === 'digest'))
  assert.ok(chain.world.gateway.sessions.repairs > 0)
  await chain.close()
})
