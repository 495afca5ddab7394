/** What a trace finds where something was really broken: in real processes, by signals, spoiled lines and lost frames. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'
import {
  Asker,
  type AskError,
  type Finding,
  judgeTrace,
  type Log,
  openKafkaLog,
  Secret,
  type TraceTarget,
  walkTrace,
} from '@pulsewire/server'
import { servePageAsks } from '../../packages/cli/src/ask/page-asks.ts'
import { runCommand } from '../support/command.ts'
import { Fleet } from '../support/fleet.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'
import { MessageTrap, TcpProxy, WebSocketFilter } from '../support/proxy/index.ts'
import { steadyMs } from '../support/steady.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const SECRET = 'a secret of the trace test'
const env = { PULSEWIRE_OPERATOR_SECRET: SECRET }
const run = Date.now().toString(36)
const TOPIC = `quotes-${run}`
const OLD_TOPIC = `quotes-old-${run}`
const FEED = { name: 'quote', topic: TOPIC, generation: 2 }
const SYMBOLS = Array.from({ length: 60 }, (_, i) => `S${i}.US`)
const SYMBOL = SYMBOLS[0]!
/** What a frozen node is named within, and what this crowded process may take beside that. */
const NAMED_MS_MAX = 3000 + 1500
const FOUND_MS_MAX = 30_000
const AGAIN_AFTER_MS = 100

describe('pulsewire trace', { timeout: 280_000 }, () => {
  const stack = new AsyncDisposableStack()
  let kafka: KafkaForTests
  let log: Log
  let fleet: Fleet
  let producing: NodeJS.Timeout

  before(async () => {
    kafka = await startKafka({ own: true })
    stack.defer(() => kafka.stop())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(TOPIC, { partitions: 2 })
    await log.createTopic(OLD_TOPIC, { partitions: 2 })
    fleet = stack.use(await Fleet.start({ brokers: kafka.brokers, feeds: [FEED], env }))
    let round = 0
    const produce = (): void => {
      round++
      void log
        .append(
          TOPIC,
          SYMBOLS.map((key) => ({ key, value: JSON.stringify({ last: round, text: 'x'.repeat(40) }) })),
        )
        .catch(() => {})
    }
    produce()
    producing = setInterval(produce, 250)
    stack.defer(() => clearInterval(producing))
  })

  after(() => stack.disposeAsync())

  async function view(
    user: string,
    url = fleet.urls[0]!,
    symbols: readonly string[] = [SYMBOL],
    encoding: 'bin' | 'json' = 'bin',
  ): Promise<ViewRecorder> {
    const recorder = new ViewRecorder({ url, user, encoding }, { feed: 'quote', symbols })
    await recorder.until(() => recorder.subscription.state.state === 'live', `${user} is live`)
    return recorder
  }

  async function trace(
    target: Partial<TraceTarget>,
    via: readonly string[] = fleet.urls,
  ): Promise<{ findings: readonly Finding[]; tookMs: number }> {
    const fromMs = steadyMs()
    const opened = await Promise.allSettled(via.map((url) => Asker.connect(url, new Secret(SECRET), 'test')))
    const askers = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const unreached = opened.flatMap((each) => (each.status === 'rejected' ? [each.reason as AskError] : []))
    try {
      const findings = judgeTrace(await walkTrace(askers, unreached, { feed: 'quote', symbol: SYMBOL, ...target }))
      return { findings, tookMs: steadyMs() - fromMs }
    } finally {
      for (const asker of askers) asker[Symbol.dispose]()
    }
  }

  /** Traces until this is found first: faults take their time to show. */
  async function finds(
    code: string,
    severity: string,
    hop: string | RegExp,
    target: Partial<TraceTarget>,
    via?: readonly string[],
  ): Promise<Finding> {
    const byMs = steadyMs() + FOUND_MS_MAX
    for (;;) {
      const { findings } = await trace(target, via)
      const [first] = findings
      const isIt =
        first?.code === code && first.severity === severity && (typeof hop === 'string' ? first.hop === hop : hop.test(first.hop))
      if (isIt) return first
      if (steadyMs() > byMs) assert.fail(`${code} was not found but ${JSON.stringify(findings, null, 1)}`)
      await sleep(AGAIN_AFTER_MS)
    }
  }

  test('nothing is broken; a symbol that is not subscribed to, one that never was, a user that nobody knows', async () => {
    await using _ = await view('jo', fleet.urls[0]!, [SYMBOL, 'NEW.US'])
    await finds('all_well', 'well', 'gw-1', { user: 'jo' })
    await finds('not_subscribed', 'broken', 'client', { user: 'jo', symbol: SYMBOLS[1]! })
    await finds('symbol_unknown', 'well', 'log', { user: 'jo', symbol: 'NEW.US' })
    await finds('user_unknown', 'broken', 'client', { user: 'nobody' })
    await finds('feed_unknown', 'broken', 'gw-1', { user: 'jo', feed: 'trade' })
  })

  test('is found also from a gateway that does not have the user, and told by the command', async () => {
    await using _ = await view('jo')
    await finds('all_well', 'well', 'gw-1', { user: 'jo' }, [fleet.urls[1]!])
    const args = ['trace', '--via', fleet.urls[1]!, '--user', 'jo', '--symbol', SYMBOL]
    const { code, stdout, stderr } = await runCommand(args, { env })
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^✓ all_well at gw-1: the last record of S0\.US/)
    assert.match(stdout, /\nclient .*of jo at .*acknowledged pulse \d+/)
    assert.match(stdout, /\nlink .*line A → push-a1 .*gives the symbol/)
    assert.match(stdout, new RegExp(`\\npush .*push-b2 .*${TOPIC}/\\d \\(generation 2\\) read up to \\d+, it ends at \\d+`))
    const json = JSON.parse((await runCommand([...args, '--json'], { env })).stdout)
    assert.deepEqual([json.findings[0].code, json.facts.gateway.node], ['all_well', 'gw-1'])
  })

  test('of two sessions of a user the newer one, wherever it is', async () => {
    await using _older = await view('mo')
    await finds('all_well', 'well', 'gw-1', { user: 'mo' })
    await using _newer = await view('mo', fleet.urls[1]!)
    await finds('all_well', 'well', 'gw-2', { user: 'mo' })
  })

  test('is told to a page by its server, and so is what happened to sessions', async () => {
    await using _ = await view('jo')
    const gateways = () => [fleet.urls[1]!]
    const asks = servePageAsks({ gateways, secret: new Secret(SECRET), who: 'page', denial: () => null })
    await using stack = new AsyncDisposableStack()
    const server = createServer(asks).listen(0, '127.0.0.1')
    stack.defer(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
    await once(server, 'listening')
    const ask = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
      assert.equal(response.status, 200)
      return (await response.json()) as { findings: Finding[]; rows: string[][]; head: string[]; events: { what: string; node: string }[] }
    }
    const { findings, rows } = await ask(`/api/trace?user=jo&symbol=${SYMBOL}`)
    assert.deepEqual([findings[0]?.code, findings[0]?.hop, rows[0]?.[0]], ['all_well', 'gw-1', 'client'])
    const { head, events } = await ask('/api/sessions?user=jo')
    assert.match(head[0]!, /^user jo is at gw-1: session gw-1\./)
    assert.ok(events.some(({ what, node }) => what === 'connected' && node === 'gw-1'))
    const session = /session (\S+),/.exec(head[0]!)![1]!
    assert.match((await ask(`/api/sessions?session=${session}`)).head[0]!, new RegExp(`^session ${session} is at gw-1`))
  })

  test('a frozen client: everything reaches its host, nothing is acknowledged', async () => {
    await using line = await TcpProxy.listen({ port: fleet.gateways[0]!.port })
    await using _ = await view('frozen', line.url)
    line.up.set({ held: true })
    await finds('client_frozen', 'broken', 'client', { user: 'frozen' })
  })

  test('a slow client: its line carries less than it is sent', async () => {
    await using line = await TcpProxy.listen({ port: fleet.gateways[0]!.port })
    // In the longer encoding: 30 KB a second.
    await using _ = await view('slow', line.url, SYMBOLS, 'json')
    line.down.set({ bytesPerSecond: 6000 })
    await finds('client_slow', 'broken', 'client', { user: 'slow' })
  })

  test('push nodes frozen: one is named within 3 s and the other line stands in; both break it', async () => {
    await using _ = await view('jo')
    const [a, b] = fleet.pushNodes as [NodeProcess, NodeProcess]
    a.signal('SIGSTOP')
    const { findings, tookMs } = await trace({ user: 'jo' })
    assert.deepEqual([findings[0]?.code, findings[0]?.severity, findings[0]?.hop], ['push_silent', 'degraded', 'push-a1'])
    assert.match(findings[0]!.sentence, /push-b2 \(line B\) stands in/)
    assert.ok(tookMs < NAMED_MS_MAX, `${tookMs} ms`)
    b.signal('SIGSTOP')
    await finds('push_silent', 'broken', /^push-/, { user: 'jo' })
    for (const node of [a, b]) node.signal('SIGCONT')
    await finds('all_well', 'well', 'gw-1', { user: 'jo' })
  })

  test('a frozen gateway is named within 3 s, from another one', async () => {
    await using _ = await view('kim')
    fleet.gateways[0]!.signal('SIGSTOP')
    try {
      const { findings, tookMs } = await trace({ user: 'kim' }, [fleet.urls[1]!])
      assert.deepEqual([findings[0]?.code, findings[0]?.hop], ['gateway_silent', 'gw-1'])
      assert.ok(tookMs < NAMED_MS_MAX, `${tookMs} ms`)
      const direct = await trace({ user: 'kim' })
      assert.equal(direct.findings[0]?.code, 'gateway_silent')
    } finally {
      fleet.gateways[0]!.signal('SIGCONT')
    }
  })

  test('a push node that is gone', async () => {
    await using _ = await view('jo')
    const [, b] = fleet.pushNodes as [NodeProcess, NodeProcess]
    const { port } = b
    await b.stop('SIGKILL')
    await finds('push_down', 'degraded', 'push-b2', { user: 'jo' })
    fleet.pushNodes[1] = await fleet.startPush('push-b2', 'B', port)
    await finds('all_well', 'well', 'gw-1', { user: 'jo' })
  })

  /** A gateway of the test's own, beside those of the fleet. */
  async function gatewayOf(id: string, upstreams: object, gateway: object = {}): Promise<NodeProcess> {
    const node = await NodeProcess.start(
      'gateway',
      { node: { id }, gateway: { listen: { host: '127.0.0.1', port: 0 }, upstreams, ...gateway } },
      env,
    )
    await node.line(({ code }) => code === 'link_open')
    return node
  }

  test('a push node left behind on an old topic', async () => {
    const feeds = [{ ...FEED, generation: 1, topic: OLD_TOPIC }]
    const config = {
      log: { kind: 'kafka', brokers: kafka.brokers },
      feeds,
      node: { id: 'push-old', line: 'B' },
      push: { listen: { host: '127.0.0.1', port: 0 } },
    }
    await using old = await NodeProcess.start('push', config, env)
    await old.line(({ code }) => code === 'ready')
    const upstreams = [
      { line: 'A', addresses: [fleet.pushNodes[0]!.url] },
      { line: 'B', addresses: [old.url] },
    ]
    await using gateway = await gatewayOf('gw-old', upstreams)
    await using _ = await view('lee', gateway.url)
    const { sentence } = await finds('generation_retired', 'degraded', 'push-old', { user: 'lee' }, [gateway.url])
    assert.match(sentence, /generation 1 of the feed, which is on 2/)
  })

  test('a subscription that gets lost between gateway and push node', async () => {
    const trap = new MessageTrap()
    trap.takes = (payload) => payload.includes('"subscribe"')
    const filters = () => ({ up: new WebSocketFilter(trap) })
    await using line = await TcpProxy.listen({ port: fleet.pushNodes[0]!.port }, { filters })
    await using gateway = await gatewayOf('gw-lost', [{ line: 'A', addresses: [line.url] }], { subscribeDeadlineMs: 4000 })
    await using _ = new ViewRecorder({ url: gateway.url, user: 'max' }, { feed: 'quote', symbols: [SYMBOL] })
    await finds('subscription_waiting', 'broken', 'gw-lost', { user: 'max' }, [gateway.url])
    await finds('gateway_not_asking', 'broken', 'gw-lost', { user: 'max' }, [gateway.url])
  })

  test('all pulse writers gone while records flow', async () => {
    await using _ = await view('jo')
    await Promise.all(fleet.pulses.map((node) => node.stop('SIGKILL')))
    await finds('pulse_writers_gone', 'broken', 'log', { user: 'jo' })
    clearInterval(producing)
    await finds('topic_silent', 'broken', 'log', { user: 'jo' })
    fleet.pulses.splice(0, 2, await fleet.startPulse('pulse-3'))
    await finds('all_well', 'well', 'gw-1', { user: 'jo' })
  })

  test('Kafka frozen', async () => {
    await using _ = await view('jo')
    kafka.freeze()
    try {
      await finds('log_unreachable', 'broken', 'log', { user: 'jo' })
    } finally {
      kafka.thaw()
    }
  })
})
