/** A grey release on real processes: who is in it stays in it, whoever is asked and whatever restarts; and a gateway that is worse ends it by itself. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type GatewaysAnswer, type Log, openKafkaLog, type Topology } from '@pulsewire/server'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'
import { TcpProxy } from '../support/proxy/index.ts'
import { PulsewireCommand } from '../support/pulsewire-command.ts'
import { steadyMs } from '../support/steady.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const run = Date.now().toString(36)
const [CONTROL, TOPIC] = [`control-${run}`, `quotes-${run}`]
const FEEDS = [{ name: 'quote', topic: TOPIC }]
const USERS = Array.from({ length: 500 }, (_, i) => `user-${i}`)
const DEADLINE_MS = 60_000
const AGAIN_AFTER_MS = 100
/** Held up by so much, pulses at the grey gateway are later than the bound of 500 ms allows. */
const LATE_MS = 800
const GREY = { windowMs: 10_000, holdMs: 4_000, looksMin: 5 }

describe('a grey release', { timeout: 240_000 }, () => {
  const stack = new AsyncDisposableStack()
  const proxies: TcpProxy[] = []
  let kafka: KafkaForTests
  let log: Log
  let balancers: NodeProcess[]

  const start = async (role: string, config: object) => {
    const shared = { log: { kind: 'kafka', brokers: kafka.brokers }, directory: { enabled: true, topic: CONTROL } }
    return stack.use(await NodeProcess.start(role, { ...shared, ...config }))
  }
  const listen = { host: '127.0.0.1', port: 0 }
  const startBalancer = (id: string) => start('balancer', { node: { id }, balancer: { listen, requestsPerSecondMax: 100_000, grey: GREY } })

  before(async () => {
    kafka = await startKafka({ own: true })
    stack.defer(() => kafka.stop())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(TOPIC, { partitions: 1 })
    const write = () => log.append(TOPIC, [{ key: 'AAPL.US', value: JSON.stringify({ last: steadyMs() }) }]).catch(() => {})
    await write()
    const producing = setInterval(write, 100)
    stack.defer(() => clearInterval(producing))
    const [a, b] = await Promise.all([
      start('push', { node: { id: 'push-a1', line: 'A' }, feeds: FEEDS, push: { listen } }),
      start('push', { node: { id: 'push-b1', line: 'B' }, feeds: FEEDS, push: { listen } }),
      start('pulse', { node: { id: 'pulse-1' }, feeds: FEEDS }),
    ])
    for (const { port } of [a, b]) proxies.push(stack.use(await TcpProxy.listen({ port })))
    const upstreams = proxies.map(({ url }, i) => ({ line: 'AB'[i], addresses: [url] }))
    await Promise.all([
      start('gateway', { node: { id: 'gw-1' }, gateway: { listen } }),
      start('gateway', { node: { id: 'gw-2', track: 'grey' }, gateway: { listen, upstreams } }),
    ])
    balancers = await Promise.all([startBalancer('lb-1'), startBalancer('lb-2')])
    for (const balancer of balancers) await until(() => areBothThere(balancer), 'both gateways are handed out to who asks for them')
  })

  after(() => stack.disposeAsync())

  async function given({ port }: NodeProcess, user: string, more = ''): Promise<GatewaysAnswer | null> {
    const response = await fetch(`http://127.0.0.1:${port}/v1/gateways?user=${user}${more}`)
    const body = (await response.json()) as GatewaysAnswer
    return response.ok ? body : null
  }

  const isThere = async (balancer: NodeProcess, track: string) =>
    (await given(balancer, 'jo', `&track=${track}`))?.gateways.some(({ node }) => node === (track === 'grey' ? 'gw-2' : 'gw-1')) === true
  /** Both can be given: where one of them is not proven yet, or not any more, everybody gets the other, or none. */
  const areBothThere = async (balancer: NodeProcess) => (await isThere(balancer, 'grey')) && (await isThere(balancer, 'stable'))

  /** The track of each user, by this balancer, while both gateways are such as can be given. */
  async function tracks(balancer: NodeProcess): Promise<string[]> {
    for (;;) {
      await until(() => areBothThere(balancer), 'both gateways are handed out to who asks for them')
      const all: string[] = []
      for (let i = 0; i < USERS.length; i += 50) {
        const some = USERS.slice(i, i + 50).map(async (user) => (await given(balancer, user))?.track ?? 'none')
        all.push(...(await Promise.all(some)))
      }
      if (await areBothThere(balancer)) return all
    }
  }

  const topology = async ({ port }: NodeProcess) => (await (await fetch(`http://127.0.0.1:${port}/v1/topology`)).json()) as Topology
  const command = (...args: string[]) =>
    new PulsewireCommand(['grey', ...args, '--brokers', kafka.brokers.join(','), '--set', `directory.topic=${CONTROL}`]).ends()
  const greyOf = (all: readonly string[]) => all.filter((track) => track === 'grey').length
  const flips = (before: readonly string[], after: readonly string[]) => after.filter((track, i) => track !== before[i]).length

  test('at a fixed percent no user flips: by another balancer, after restarts, set again; more percent only add', async (t) => {
    await command('set', '--percent', '20')
    for (const balancer of balancers) await until(async () => (await topology(balancer)).grey !== null, 'both know of it')
    const first = await tracks(balancers[0]!)
    const share = greyOf(first)
    assert.ok(share > USERS.length * 0.13 && share < USERS.length * 0.27, `${share} of ${USERS.length} are grey`)
    assert.equal(flips(first, await tracks(balancers[1]!)), 0, 'by another balancer')
    await balancers[1]!.stop()
    balancers[1] = await startBalancer('lb-2')
    await until(async () => greyOf(await tracks(balancers[1]!)) > 0, 'it has heard of it')
    assert.equal(flips(first, await tracks(balancers[1]!)), 0, 'after a restart')
    await command('set', '--percent', '20')
    assert.equal(flips(first, await tracks(balancers[0]!)), 0, 'set again')
    await command('set', '--percent', '40')
    await until(async () => greyOf(await tracks(balancers[0]!)) > share, 'more of them')
    const more = await tracks(balancers[0]!)
    assert.equal(first.filter((track, i) => track === 'grey' && more[i] !== 'grey').length, 0, 'who was in it is still')
    t.diagnostic(`${share} of ${USERS.length} users at 20 %, ${greyOf(more)} at 40 %; 0 flips`)
  })

  test('a gateway that is as good is left alone; one that gets worse beyond the bound ends the release by itself', async (t) => {
    const grey = USERS[(await tracks(balancers[0]!)).indexOf('grey')]!
    const balancer = balancers.map(({ port }) => `http://127.0.0.1:${port}`)
    await using client = new ViewRecorder({ balancer, user: grey }, { feed: 'quote', symbols: ['AAPL.US'] })
    await client.until(() => client.client.session?.node === 'gw-2' && client.subscription.state.state === 'live', 'a user at gw-2')
    const seen = steadyMs() + GREY.windowMs
    await until(() => Promise.resolve(steadyMs() >= seen), 'it has been looked at for a window')
    for (const each of balancers) {
      const { grey, tracks } = await topology(each)
      assert.deepEqual([grey?.stopped ?? null, grey?.worse, tracks.map(({ gateways }) => gateways)], [null, [], [1, 1]])
    }
    const atMs = steadyMs()
    for (const proxy of proxies) proxy.down.set({ latencyMs: LATE_MS })
    const said = await Promise.any(balancers.map((each) => each.line(({ code }) => code === 'grey_stopping', DEADLINE_MS)))
    assert.match(said.msg, /the delay of pulses at grey is \d+ ms, stable has \d+ ms, 500 ms more is allowed, for [4-9]/)
    for (const each of balancers) await until(async () => greyOf(await tracks(each)) === 0, 'nobody is sent there any more')
    const endedMs = steadyMs() - atMs
    assert.ok(said.receivedAtMs - atMs >= GREY.holdMs, 'not before it has lasted')
    const shown = await command('show')
    assert.match(shown, /^nobody takes part: lb-\d stopped the release at .*: the delay of pulses at grey/)
    await client.until(
      () => client.client.session?.node === 'gw-2' && client.subscription.state.state === 'live',
      'who is there is still served',
    )
    for (const proxy of proxies) proxy.clear()
    // It does not come back by itself, however good the gateway is again.
    await until(async () => (await topology(balancers[0]!)).tracks[1]!.freshnessMs! < LATE_MS / 2, 'gw-2 is as good as before')
    assert.equal(greyOf(await tracks(balancers[0]!)), 0)
    await command('set', '--percent', '40')
    await until(async () => greyOf(await tracks(balancers[0]!)) > 0, 'another release may be set')
    t.diagnostic(`stopped ${Math.round(said.receivedAtMs - atMs)} ms after it got worse, nobody sent there after ${Math.round(endedMs)} ms`)
  })
})

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = steadyMs() + DEADLINE_MS
  while (!(await holds().catch(() => false))) {
    if (steadyMs() > deadlineMs) assert.fail(`not within ${DEADLINE_MS} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS))
  }
}
