/** Networks that break WebSocket: the SDK gets through over HTTP by itself, and every promise holds there too. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ClientOptions } from '@pulsewire/client'
import type { Fleet } from '../support/fleet.ts'
import { TcpProxy, WebSocketBreaker } from '../support/proxy/index.ts'
import { Rounds, SYMBOLS } from '../support/rounds.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

let rounds: Rounds
let fleet: Fleet

before(async () => {
  rounds = await Rounds.start({ gateways: 4 })
  fleet = rounds.fleet
})

after(() => rounds?.[Symbol.asyncDispose]())

/** A broken network before each of these gateways. */
class BrokenNetwork implements AsyncDisposable {
  readonly breaker: WebSocketBreaker
  readonly proxies: TcpProxy[] = []

  private constructor(breaker: WebSocketBreaker) {
    this.breaker = breaker
  }

  static async before(gateways: readonly number[], breakage: WebSocketBreaker['breakage'] = 'strips'): Promise<BrokenNetwork> {
    const network = new BrokenNetwork(new WebSocketBreaker(breakage))
    for (const index of gateways)
      network.proxies.push(await TcpProxy.listen({ port: fleet.gateways[index]!.port }, { filters: network.breaker.filters }))
    return network
  }

  record(feed: 'quote' | 'trade', options: Partial<ClientOptions> = {}): ViewRecorder {
    const url = this.proxies.map((proxy) => proxy.url)
    return new ViewRecorder({ url, ...options }, { feed, symbols: SYMBOLS, ...(feed === 'trade' ? { delivery: 'every' } : {}) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy[Symbol.asyncDispose]()))
  }
}

const isLive = ({ subscription }: ViewRecorder) => subscription.state.state === 'live'
const hasNewest = (recorder: ViewRecorder) => rounds.hasNewest(recorder)

function assertEveryTrade(recorder: ViewRecorder, first: number): void {
  for (const symbol of SYMBOLS) {
    const given = recorder.updates.filter((update) => update.symbol === symbol).map(({ values }) => Number(values['round']))
    assert.deepEqual(
      given.filter((each) => each >= first),
      Array.from({ length: rounds.round - first + 1 }, (_, i) => first + i),
      symbol,
    )
  }
  assert.deepEqual(recorder.gaps, [])
}

for (const breakage of ['strips', 'hangs', 'swallows', 'mangles'] as const) {
  test(`a network that ${breakage} WebSocket: quotes arrive over HTTP, proven fresh`, async () => {
    await using network = await BrokenNetwork.before([0], breakage)
    await using recorder = network.record('quote')
    await rounds.produce()
    await recorder.until(() => hasNewest(recorder) && isLive(recorder), 'live')
    assert.equal(recorder.client.session!.transport, 'http')
    assert.ok(network.breaker.streams >= 1)
    const reports = recorder.client.freshness('quote')
    assert.deepEqual(
      reports.map(({ hops }) => hops.map(({ node }) => node.replace(/[ab]?\d/, '')).slice(0, 2)),
      [0, 1, 2].map(() => ['push-', 'gw-']),
    )
    await rounds.produce()
    await recorder.until(() => hasNewest(recorder), 'the next quote')
  })
}

test('a network that breaks nothing sees no HTTP stream', async () => {
  await using network = await BrokenNetwork.before([0], 'none')
  await using recorder = network.record('quote')
  await recorder.until(() => isLive(recorder), 'live')
  assert.deepEqual([recorder.client.session!.transport, network.breaker.streams], ['webSocket', 0])
})

test('a killed gateway, connections that are reset: every trade arrives once over HTTP, and nothing is left out', async () => {
  await using network = await BrokenNetwork.before([2, 3])
  await using recorder = network.record('trade')
  await recorder.until(() => isLive(recorder), 'live')
  const first = rounds.round + 1
  for (let i = 0; i < 5; i++) await rounds.produce()
  await recorder.until(() => hasNewest(recorder), 'trades')
  // Both ways, requests in flight too.
  for (const proxy of network.proxies) proxy.reset()
  for (let i = 0; i < 5; i++) await rounds.produce()
  await recorder.until(() => hasNewest(recorder) && isLive(recorder), 'trades after a reset')
  const serving = recorder.client.session!.node
  fleet.gateways[Number(serving.slice(-1)) - 1]!.signal('SIGKILL')
  for (let i = 0; i < 5; i++) await rounds.produce()
  await recorder.until(() => recorder.client.session?.node !== serving && isLive(recorder) && hasNewest(recorder), 'live elsewhere')
  assert.equal(recorder.client.session!.transport, 'http')
  await rounds.produce()
  await recorder.until(() => hasNewest(recorder), 'the last trade')
  assertEveryTrade(recorder, first)
  assert.ok(
    recorder.states.every((state) => state === 'pending' || state === 'live' || state.startsWith('stale: disconnected')),
    recorder.states.join(' → '),
  )
})

test('once the network lets WebSocket through again it is found by itself: nothing is stale, lost or doubled', async () => {
  await using network = await BrokenNetwork.before([0, 1])
  await using recorder = network.record('trade', { webSocketRetryMs: 500 })
  await recorder.until(() => isLive(recorder), 'live')
  const first = rounds.round + 1
  const upgrades = network.breaker.upgrades
  // In vain at first; the stream goes on.
  while (network.breaker.upgrades === upgrades) {
    await rounds.produce()
    await recorder.until(() => hasNewest(recorder), 'trades meanwhile')
  }
  const transport = () => recorder.client.session!.transport
  assert.equal(transport(), 'http')
  network.breaker.breakage = 'none'
  while (transport() !== 'webSocket') {
    await rounds.produce()
    await recorder.until(() => hasNewest(recorder), 'trades meanwhile')
  }
  await rounds.produce()
  await recorder.until(() => hasNewest(recorder) && isLive(recorder), 'live over WebSocket')
  assertEveryTrade(recorder, first)
  assert.ok(!recorder.states.some((state) => state.startsWith('stale')), recorder.states.join(' → '))
})

test('a frozen gateway is noticed over HTTP by the missing pulse, and left', async () => {
  await using network = await BrokenNetwork.before([0, 1])
  await using recorder = network.record('quote')
  await recorder.until(() => isLive(recorder), 'live')
  const serving = recorder.client.session!.node
  const frozen = fleet.gateways[Number(serving.slice(-1)) - 1]!
  frozen.signal('SIGSTOP')
  try {
    await recorder.until(() => recorder.client.session?.node !== serving && isLive(recorder), 'live elsewhere')
    assert.equal(recorder.client.session!.transport, 'http')
    assert.ok(recorder.states.includes(`stale: no_pulse at ${serving}`), recorder.states.join(' → '))
  } finally {
    frozen.signal('SIGCONT')
  }
})

test('what is stale is said over HTTP with hop and reason; a draining gateway says goodbye there', async () => {
  await using network = await BrokenNetwork.before([0, 1])
  await using recorder = network.record('quote')
  await recorder.until(() => isLive(recorder), 'live')
  await Promise.all(fleet.pulses.map((pulse) => pulse.stop()))
  while (!recorder.states.some((state) => state.startsWith('stale: unproven at log'))) {
    await rounds.produce()
    await recorder.until(() => hasNewest(recorder), 'a quote without pulses')
  }
  fleet.pulses.push(await fleet.startPulse('pulse-3'))
  await recorder.until(() => isLive(recorder), 'live again')
  const told = recorder.states.length
  const goodbye = new Promise((resolve) => recorder.client.on('goodbye', ({ code }) => resolve(code)))
  const serving = recorder.client.session!.node
  const code = fleet.gateways[Number(serving.slice(-1)) - 1]!.stop('SIGTERM')
  assert.equal(await goodbye, 'draining')
  await recorder.until(() => recorder.client.session?.node !== serving && isLive(recorder), 'live elsewhere')
  await code
  assert.deepEqual(recorder.states.slice(told), [], 'a planned move shows nobody anything')
})
