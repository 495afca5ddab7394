/** A feed with a delay for those who may not see the real one: real nodes of both lines before a real Kafka. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { PulsewireClient, subscribeOrDelayed } from '@pulsewire/client'
import { type Log, openKafkaLog } from '@pulsewire/server'
import { runCommand } from '../support/command.ts'
import { Fleet } from '../support/fleet.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'
import { steadyMs } from '../support/steady.ts'
import { AUDIENCE, ISSUER, Issuer } from '../support/tokens.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const run = Date.now().toString(36)
const [QUOTES, CONTROL] = [`quotes-${run}`, `control-${run}`]
const DELAY_MS = 3000
/** Clocks of processes on one machine, each counted from its own start, differ by so much at most. */
const CLOCKS_MS = 100
const PROBE_SECRET = 'a secret of the probes of the test'
const SYMBOLS = ['S0', 'S1', 'S2']
const FEED = { name: 'quote', topic: QUOTES, warmup: { spanMs: 60_000 } }

describe('a delayed feed', { timeout: 200_000 }, () => {
  const stack = new AsyncDisposableStack()
  let issuer: Issuer
  let kafka: KafkaForTests
  let log: Log
  let fleet: Fleet
  let balancer: NodeProcess
  let configured: string
  /** By the number in a record, when it was about to be appended. */
  const writtenAtMs: number[] = []

  const anonymous = (feed: string) => new ViewRecorder({ url: fleet.urls, pulseIntervalMs: 500 }, { feed, symbols: SYMBOLS })
  const entitled = async (feed: string) =>
    new ViewRecorder({ url: fleet.urls, token: await issuer.token({ rights: { roles: ['trader'] } }) }, { feed, symbols: SYMBOLS })

  /** Each update with how long after its record it came, in ms. */
  function lags(recorder: ViewRecorder): () => number[] {
    const ages: number[] = []
    const { updates } = recorder
    let seen = 0
    const note = () => {
      for (; seen < updates.length; seen++) ages.push(steadyMs() - writtenAtMs[updates[seen]!.values!['n'] as number]!)
    }
    const timer = setInterval(note, 5)
    stack.defer(() => clearInterval(timer))
    return () => ages
  }

  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pulsewire-delayed-'))
    stack.defer(() => rmSync(directory, { recursive: true, force: true }))
    issuer = await Issuer.make({ alg: 'ES256' })
    const [keys, probes] = [join(directory, 'keys.pem'), join(directory, 'probes')]
    writeFileSync(keys, await issuer.pem())
    writeFileSync(probes, PROBE_SECRET)
    kafka = await startKafka()
    stack.defer(() => kafka.stop())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(QUOTES, { partitions: SYMBOLS.length })
    const write = (): Promise<unknown> => {
      const n = writtenAtMs.push(steadyMs()) - 1
      return log
        .append(
          QUOTES,
          SYMBOLS.map((key, partition) => ({ partition, key, value: JSON.stringify({ n }) })),
        )
        .catch(() => {})
    }
    await write()
    const producing = setInterval(write, 50)
    stack.defer(() => clearInterval(producing))
    const access = {
      mode: 'token',
      keyFiles: [keys],
      issuer: ISSUER,
      audience: AUDIENCE,
      roles: { trader: { feeds: { quote: ['*'] } }, visitor: { feeds: { 'quote-delayed': ['*'] } } },
      anonymousRole: 'visitor',
      probeSecretFile: probes,
    }
    fleet = stack.use(
      await Fleet.start({
        brokers: kafka.brokers,
        feeds: [FEED],
        directory: CONTROL,
        pushWith: { delayedFeeds: [{ name: 'quote-delayed', of: 'quote', delayMs: DELAY_MS }] },
        gateway: { access },
      }),
    )
    const shared = { log: { kind: 'kafka', brokers: kafka.brokers }, directory: { enabled: true, topic: CONTROL } }
    balancer = stack.use(
      await NodeProcess.start(
        'balancer',
        { ...shared, node: { id: 'lb-1' }, balancer: { listen: { host: '127.0.0.1', port: 0 } } },
        { PULSEWIRE_BALANCER_PROBE_SECRET: PROBE_SECRET },
      ),
    )
    configured = join(directory, 'push.yaml')
    writeFileSync(configured, JSON.stringify({ ...shared, feeds: [FEED] }))
  })

  after(() => stack.disposeAsync())

  test('whoever has no token sees it live, and nothing before the delay; who has the right sees the feed itself', async () => {
    await using delayed = anonymous('quote-delayed')
    await using real = await entitled('quote')
    const [delayedAges, realAges] = [lags(delayed), lags(real)]
    await delayed.until(() => delayed.subscription.state.state === 'live' && delayedAges().length > 60, 'delayed updates')
    await real.until(() => real.subscription.state.state === 'live' && realAges().length > 60, 'updates')
    assert.ok(Math.min(...delayedAges()) >= DELAY_MS - CLOCKS_MS, `one came ${Math.min(...delayedAges())} ms after its record`)
    assert.ok(Math.min(...realAges()) < DELAY_MS, 'the feed itself is not delayed')
    assert.deepEqual([delayed.subscription.delayMs, delayed.subscription.state.delayMs], [DELAY_MS, DELAY_MS])
    assert.deepEqual([real.subscription.delayMs, real.subscription.state.delayMs], [0, undefined])
    assert.ok(!delayed.states.some((state) => state.startsWith('stale')), delayed.states.join(' → '))
  })

  test('the feed itself is refused to them, and they are told where to go', async () => {
    await using refused = anonymous('quote')
    await refused.until(() => refused.subscription.state.state === 'ended', 'refused')
    const { reason, message } = refused.subscription.state
    assert.equal(reason, 'not_entitled')
    assert.match(message ?? '', /feed quote-delayed shows it with a delay of 3 s/)
    assert.equal(refused.updates.length, 0)
    await using none = await entitled('quote-delayed')
    await none.until(() => none.subscription.state.state === 'ended', 'what no role gives is refused')
  })

  test('balancers and the doctor find nothing wrong with it', async () => {
    await Promise.all(['gw-1', 'gw-2'].map((id) => balancer.line(({ code, msg }) => code === 'node_usable' && msg.includes(id))))
    const { stdout } = await runCommand(['doctor', '--config', configured, '--json'], {
      env: { PULSEWIRE_BALANCER_PROBE_SECRET: PROBE_SECRET },
    })
    const checks = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { verdict: string; what: string })
    const told = checks.filter(({ what }) => what.includes('quote-delayed'))
    assert.ok(told.length > 0, stdout)
    assert.deepEqual(
      told.filter(({ verdict }) => verdict !== 'ok'),
      [],
    )
    assert.deepEqual(
      checks.filter(({ verdict }) => verdict === 'problem'),
      [],
    )
  })

  test('a frozen push node of either line leaves it live', async () => {
    await using delayed = anonymous('quote-delayed')
    const ages = lags(delayed)
    await delayed.until(() => delayed.subscription.state.state === 'live', 'live')
    for (const node of fleet.pushNodes) {
      const before = ages().length
      node.signal('SIGSTOP')
      try {
        await delayed.until(() => ages().length > before + 80, 'updates from the other line')
      } finally {
        node.signal('SIGCONT')
      }
      await delayed.until(() => ages().length > before + 120, 'updates of both lines')
    }
    assert.ok(!delayed.states.some((state) => state.startsWith('stale')), delayed.states.join(' → '))
    assert.ok(Math.min(...ages()) >= DELAY_MS - CLOCKS_MS, `one came ${Math.min(...ages())} ms after its record`)
  })

  test('a push node that starts is ready when it has read up to then, and shows nothing early', async () => {
    const node = await fleet.startPush('push-a9', 'A')
    fleet.pushNodes.push(node)
    await node.line(({ code }) => code === 'ready')
    const first = fleet.pushNodes[0]!
    await first.stop()
    await using delayed = anonymous('quote-delayed')
    const ages = lags(delayed)
    await delayed.until(() => delayed.subscription.state.state === 'live' && ages().length > 40, 'delayed updates')
    assert.ok(Math.min(...ages()) >= DELAY_MS - CLOCKS_MS, `one came ${Math.min(...ages())} ms after its record`)
  })

  test('one subscription for both: what the token does not give comes delayed, symbol by symbol, and it is said which', async () => {
    const [given, other] = SYMBOLS as unknown as [string, string]
    const rights = (symbols: readonly string[]) => ({ feeds: { quote: symbols, 'quote-delayed': ['*'] } })
    let token = await issuer.token({ user: 'kay', rights: rights([given]) })
    await using client = new PulsewireClient({ url: fleet.urls, pulseIntervalMs: 500, token: () => token })
    const [told, ended]: [string[], string[]] = [[], []]
    const early: number[] = []
    using quotes = subscribeOrDelayed(
      client,
      { feed: 'quote', delayedFeed: 'quote-delayed', symbols: [given, other] },
      {
        onUpdate: ({ values }, { feed }) => {
          const lagMs = steadyMs() - writtenAtMs[values['n'] as number]!
          if (feed === 'quote-delayed' && lagMs < DELAY_MS - CLOCKS_MS) early.push(lagMs)
        },
        onSource: (name, { feed }) => told.push(`${name} ${feed}`),
        onEnded: ({ code }) => ended.push(code),
      },
    )
    await until(() => quotes.state.state === 'live' && quotes.size === 2 && quotes.get(other)?.values !== undefined, 'both are live')
    assert.deepEqual(quotes.sourceOf(given), { feed: 'quote', delayMs: 0 })
    assert.deepEqual(quotes.sourceOf(other), { feed: 'quote-delayed', delayMs: DELAY_MS })
    assert.deepEqual([quotes.delayMs, quotes.get(given)?.state.delayMs, quotes.get(other)?.state.delayMs], [DELAY_MS, undefined, DELAY_MS])
    quotes.retry()
    const heldMs = steadyMs() + DELAY_MS
    await until(() => steadyMs() > heldMs, 'it was asked for in vain')
    assert.deepEqual([told, ended, quotes.state.state], [[`${other} quote-delayed`], [], 'live'])
    // More rights, with the next session.
    token = await issuer.token({ user: 'kay', rights: rights(['*']) })
    const gateway = fleet.gateways.find(({ url }) => client.session!.url.startsWith(url))!
    await gateway.stop()
    await until(() => quotes.sourceOf(other).feed === 'quote' && quotes.state.state === 'live', 'the real feed of the other')
    assert.deepEqual([quotes.delayMs, quotes.size, told.at(-1)], [0, 2, `${other} quote`])
    assert.deepEqual([early, ended], [[], []])
  })
})

async function until(holds: () => boolean, what: string): Promise<void> {
  const signal = AbortSignal.timeout(30_000)
  while (!holds()) {
    if (signal.aborted) assert.fail(`not within 30 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
