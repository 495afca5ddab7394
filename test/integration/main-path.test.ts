/** The main job on real input: quotes produced into a real Kafka reach clients through two push nodes and two gateways, each its own process. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Fleet } from '../support/fleet.ts'
import { Rounds, SYMBOLS } from '../support/rounds.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

let rounds: Rounds
let fleet: Fleet

before(async () => {
  rounds = await Rounds.start({ gateway: { groups: { tech: ['AAPL.US', 'MSFT.US'] } } })
  fleet = rounds.fleet
})

after(() => rounds?.[Symbol.asyncDispose]())

function isLive(recorder: ViewRecorder): boolean {
  return recorder.subscription.state.state === 'live'
}

for (const encoding of ['bin', 'json'] as const) {
  test(`quotes reach a client of each gateway, proven fresh (${encoding})`, async () => {
    for (const url of fleet.urls) {
      await using recorder = new ViewRecorder({ url, encoding }, { feed: 'quote', symbols: SYMBOLS })
      const values = await rounds.produce()
      await recorder.until(() => rounds.hasNewest(recorder), 'newest values')
      assert.deepEqual(recorder.images(), values)
      await recorder.until(() => isLive(recorder), 'live')
      const reports = recorder.client.freshness('quote')
      assert.equal(reports.length, 3)
      for (const report of reports) {
        assert.deepEqual(report.hops.map(({ node }) => node.replace(/\d/, '')).slice(0, 2), [report.hops[0]!.node.replace(/\d/, ''), 'gw-'])
        assert.match(report.hops[0]!.node, /^push-[ab]\d$/)
      }
    }
  })
}

test('a choice of fields, a group, a pattern, and a symbol that nobody knows', async () => {
  await using fields = new ViewRecorder({ url: fleet.urls[0]! }, { feed: 'quote', symbols: ['AAPL.US'], fields: ['round'] })
  await using group = new ViewRecorder({ url: fleet.urls[0]! }, { feed: 'quote', groups: ['tech'] })
  await using pattern = new ViewRecorder({ url: fleet.urls[1]! }, { feed: 'quote', patterns: ['*.HK'] })
  await using unknown = new ViewRecorder({ url: fleet.urls[1]! }, { feed: 'quote', symbols: ['NOBODY.US'] })
  await rounds.produce()
  await fields.until(() => rounds.hasNewest(fields, ['AAPL.US']), 'the field')
  assert.deepEqual(fields.images(), { 'AAPL.US': { round: rounds.round } })
  await group.until(() => rounds.hasNewest(group, ['MSFT.US']), 'the group')
  assert.deepEqual(Object.keys(group.images()).sort(), ['AAPL.US', 'MSFT.US'])
  await pattern.until(() => rounds.hasNewest(pattern, ['0005.HK']), 'the pattern')
  assert.deepEqual(Object.keys(pattern.images()).sort(), ['0005.HK', '0700.HK'])
  // Quiet for ever, and yet proven live: the pulse says that nothing was missed.
  await unknown.until(() => isLive(unknown), 'a quiet symbol is live')
})

test('each trade arrives once and in order, while a push node is killed', async () => {
  await using recorder = new ViewRecorder({ url: fleet.urls }, { feed: 'trade', symbols: SYMBOLS, delivery: 'every' })
  await recorder.until(() => isLive(recorder), 'live')
  const first = rounds.round + 1
  for (let i = 0; i < 20; i++) await rounds.produce()
  fleet.pushNodes[0]!.signal('SIGKILL')
  for (let i = 0; i < 20; i++) await rounds.produce()
  await recorder.until(() => rounds.hasNewest(recorder), 'the last trade')
  for (const symbol of SYMBOLS) {
    const rounds = recorder.updates
      .filter((update) => update.symbol === symbol && Number(update.values['round']) >= first)
      .map((update) => update.values['round'])
    assert.deepEqual(
      rounds,
      Array.from({ length: 40 }, (_, i) => first + i),
      symbol,
    )
  }
  assert.deepEqual(recorder.gaps, [])
  assert.ok(!recorder.states.some((state) => state.startsWith('stale')), recorder.states.join(' → '))
})

test('a killed gateway: clients resume elsewhere and miss no trade', async () => {
  await using recorder = new ViewRecorder({ url: fleet.urls }, { feed: 'trade', symbols: SYMBOLS, delivery: 'every' })
  await recorder.until(() => isLive(recorder), 'live')
  const first = rounds.round + 1
  for (let i = 0; i < 5; i++) await rounds.produce()
  const serving = recorder.client.session!.node
  fleet.gateways.find(({ url }) => recorder.client.session!.url.startsWith(url))!.signal('SIGKILL')
  for (let i = 0; i < 5; i++) await rounds.produce()
  await recorder.until(
    () => recorder.client.session !== undefined && recorder.client.session.node !== serving && isLive(recorder),
    'live elsewhere',
  )
  await rounds.produce()
  await recorder.until(() => rounds.hasNewest(recorder), 'the last trade')
  for (const symbol of SYMBOLS) {
    const rounds = recorder.updates
      .filter((update) => update.symbol === symbol && Number(update.values['round']) >= first)
      .map((update) => update.values['round'])
    assert.deepEqual(
      rounds,
      Array.from({ length: 11 }, (_, i) => first + i),
      symbol,
    )
  }
  assert.deepEqual(recorder.gaps, [])
})

test('without pulse writers quotes go on, and clients are told that nothing proves them', async () => {
  const url = fleet.gateways.find(({ child }) => child.exitCode === null && child.signalCode === null)!.url
  await using recorder = new ViewRecorder({ url }, { feed: 'quote', symbols: SYMBOLS })
  await recorder.until(() => isLive(recorder), 'live')
  await Promise.all(fleet.pulses.map((pulse) => pulse.stop()))
  const stale = () => recorder.states.some((state) => state.startsWith('stale: unproven at log'))
  while (!stale()) {
    await rounds.produce()
    await recorder.until(() => rounds.hasNewest(recorder, [SYMBOLS[0]!]), 'a quote without pulses')
  }
  fleet.pulses.push(await fleet.startPulse('pulse-3'))
  await recorder.until(() => isLive(recorder), 'live again by itself')
})

test('SIGTERM drains and ends each role with exit code 0', async () => {
  const alive = [...fleet.gateways, ...fleet.pushNodes, ...fleet.pulses].filter(
    ({ child }) => child.exitCode === null && child.signalCode === null,
  )
  assert.ok(alive.length >= 3)
  for (const node of alive) assert.equal(await node.stop('SIGTERM'), 0, `${node.role}\n${node.describe()}`)
})
