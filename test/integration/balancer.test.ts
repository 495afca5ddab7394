/** Balancers before real gateways, push nodes and Kafka: what they hand out while nodes freeze, die, are told to go, and while everything fails. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type Balancer,
  BreakableProbes,
  type ControlDirectory,
  createBalancer,
  encodeFeed,
  type GatewaysAnswer,
  loadConfig,
  type Log,
  openDirectory,
  openKafkaLog,
  sayWord,
  silentLogger,
  systemClock,
  type VerdictRow,
  type VerdictsAnswer,
} from '@pulsewire/server'
import { startKafka, type KafkaForTests } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'
import { TcpProxy } from '../support/proxy/index.ts'

const run = Date.now().toString(36)
const CONTROL = `control-${run}`
const [OLD, QUOTES, TRADES] = [`quotes-old-${run}`, `quotes-${run}`, `trades-${run}`]
const FEEDS = [
  { name: 'quote', topic: QUOTES, generation: 2 },
  { name: 'trade', topic: TRADES, mode: 'every' },
]
/** A node that fails is in no answer after this; promise P4. */
const GONE_WITHIN_MS = 3000
const DEADLINE_MS = 30_000
const POLL_MS = 20

let kafka: KafkaForTests
let log: Log
const nodes: NodeProcess[] = []
const balancers: NodeProcess[] = []

async function startNode(role: string, config: Readonly<Record<string, unknown>>): Promise<NodeProcess> {
  const shared = { log: { kind: 'kafka', brokers: kafka.brokers }, directory: { enabled: true, topic: CONTROL } }
  const node = await NodeProcess.start(role, { ...shared, ...config })
  nodes.push(node)
  return node
}

function startGateway(id: string, rest: object = {}): Promise<NodeProcess> {
  return startNode('gateway', { node: { id }, gateway: { listen: { host: '127.0.0.1', port: 0 }, ...rest } })
}

function startPush(id: string, line: 'A' | 'B', feeds: readonly object[] = FEEDS): Promise<NodeProcess> {
  return startNode('push', { node: { id, line }, feeds, push: { listen: { host: '127.0.0.1', port: 0 } } })
}

before(async () => {
  kafka = await startKafka({ own: true })
  log = openKafkaLog({ brokers: kafka.brokers })
  for (const topic of [OLD, QUOTES, TRADES]) await log.createTopic(topic, { partitions: 3 })
  const pulse = startNode('pulse', { node: { id: 'pulse-1' }, feeds: FEEDS })
  const push = [startPush('push-a1', 'A'), startPush('push-b1', 'B')]
  await Promise.all([pulse, ...push])
  await Promise.all([startGateway('gw-1'), startGateway('gw-2')])
  for (const id of ['lb-1', 'lb-2']) {
    balancers.push(await startNode('balancer', { node: { id }, balancer: { listen: { host: '127.0.0.1', port: 0 } } }))
  }
  const catalogue = {
    feed: 'quote',
    current: { generation: 2, topic: QUOTES },
    next: null,
    retired: [{ generation: 1, topic: OLD }],
    revision: 1,
  }
  await log.append(CONTROL, [encodeFeed(catalogue)])
  await until(() => handedOutBy('gw-1', 'gw-2'), 'both gateways are handed out by both balancers')
})

after(async () => {
  await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
  await log?.close()
  await kafka?.stop()
})

async function ask<T>(balancer: NodeProcess, path: string): Promise<T | null> {
  const response = await fetch(`http://127.0.0.1:${balancer.port}${path}`)
  return response.ok ? ((await response.json()) as T) : null
}

async function answers(): Promise<(GatewaysAnswer | null)[]> {
  return Promise.all(balancers.map((balancer) => ask<GatewaysAnswer>(balancer, '/v1/gateways')))
}

function namesIn(answer: GatewaysAnswer | null): string {
  return (answer?.gateways ?? [])
    .map(({ node }) => node)
    .sort()
    .join(' ')
}

/** Whether every balancer hands out exactly these. */
async function handedOutBy(...expected: string[]): Promise<boolean> {
  return (await answers()).every((answer) => namesIn(answer) === expected.join(' '))
}

async function verdict(node: string, balancer = balancers[0]!): Promise<VerdictRow | undefined> {
  return (await ask<VerdictsAnswer>(balancer, '/v1/verdicts'))?.verdicts.find((row) => row.node === node)
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const signal = AbortSignal.timeout(DEADLINE_MS)
  while (!(await condition())) {
    if (signal.aborted) {
      const seen = await Promise.all(balancers.map((balancer) => ask(balancer, '/v1/verdicts')))
      assert.fail(`${what}: did not come\n${JSON.stringify(seen, null, 1)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** Waits until no balancer hands the node out, and says how long that took, by their own clocks. */
async function goneAfterMs(node: string, sinceMs: number): Promise<number> {
  await until(async () => (await answers()).every((answer) => answer !== null && !namesIn(answer).includes(node)), `${node} is gone`)
  const rows = await Promise.all(balancers.map((balancer) => verdict(node, balancer)))
  return Math.max(...rows.map((row) => row!.sinceMs)) - sinceMs
}

test('both balancers prove both gateways over their advertised addresses, every feed and partition', async () => {
  for (const balancer of balancers) {
    const row = (await verdict('gw-1', balancer))!
    assert.deepEqual([row.handedOut, row.degraded, row.reasons], [true, false, []])
    assert.equal(row.probe!.address, row.addresses[0])
    assert.deepEqual(
      row.probe!.feeds.map(({ feed, partitions, partitionsHeard }) => [feed, partitions, partitionsHeard]),
      [
        ['quote', 3, 3],
        ['trade', 3, 3],
      ],
    )
    const all = ['gw-1', 'gw-2', 'lb-1', 'lb-2', 'pulse-1', 'push-a1', 'push-b1']
    const nothingSpeaksAgainstAny = async (): Promise<boolean> => {
      const rows = (await ask<VerdictsAnswer>(balancer, '/v1/verdicts'))!.verdicts
      assert.deepEqual(rows.map(({ node }) => node).sort(), all)
      return rows.every(({ handedOut, reasons }) => handedOut && reasons.length === 0)
    }
    await until(nothingSpeaksAgainstAny, 'nodes of every role are found good')
  }
  assert.equal((await fetch(`http://127.0.0.1:${balancers[0]!.port}/ready`)).status, 200)
})

test('a frozen gateway is in no answer after 3 s, with the reason, and comes back once it is thawed', async (t) => {
  const gateway = nodes.find((node) => node.role === 'gateway' && node.lines.some(({ nodeId }) => nodeId === 'gw-1'))!
  gateway.signal('SIGSTOP')
  // Whatever is found, the tests after this one want it alive.
  t.after(() => gateway.signal('SIGCONT'))
  const tookMs = await goneAfterMs('gw-1', systemClock.nowMs())
  t.diagnostic(`gone after ${Math.round(tookMs)} ms`)
  assert.ok(tookMs <= GONE_WITHIN_MS, `${tookMs} ms`)
  // First it may be the pulses that are missed; that nothing at all comes is known a moment later.
  const isFound = async () => (await verdict('gw-1'))!.reasons.some(({ code }) => code === 'silent' || code === 'connect_failed')
  await until(isFound, 'the verdict says that it is silent')
  gateway.signal('SIGCONT')
  await until(() => handedOutBy('gw-1', 'gw-2'), 'both are handed out again')
})

test('an operator takes a gateway offline: gone within 3 s, back when it is online', async (t) => {
  const saidAtMs = systemClock.nowMs()
  await sayWord(log, CONTROL, 'gw-2', 'offline', saidAtMs)
  const tookMs = await goneAfterMs('gw-2', saidAtMs)
  t.diagnostic(`gone after ${Math.round(tookMs)} ms`)
  assert.ok(tookMs <= GONE_WITHIN_MS, `${tookMs} ms`)
  assert.equal((await verdict('gw-2'))!.reasons[0]!.code, 'offline')
  await sayWord(log, CONTROL, 'gw-2', 'online', systemClock.nowMs())
  await until(() => handedOutBy('gw-1', 'gw-2'), 'both are handed out again')
})

test('a gateway that goes on serving and lets nobody new in is in no answer after 3 s, with the reason', async (t) => {
  await using proxy = await TcpProxy.listen()
  const gateway = await startNode('gateway', {
    node: { id: 'gw-shut', advertise: [proxy.url] },
    gateway: { listen: { host: '127.0.0.1', port: 0 } },
  })
  proxy.leadTo({ port: gateway.port })
  await until(() => handedOutBy('gw-1', 'gw-2', 'gw-shut'), 'it is handed out')
  proxy.refusing = true
  const tookMs = await goneAfterMs('gw-shut', systemClock.nowMs())
  t.diagnostic(`gone after ${Math.round(tookMs)} ms`)
  assert.ok(tookMs <= GONE_WITHIN_MS, `${tookMs} ms`)
  const { probe, reasons } = (await verdict('gw-shut'))!
  assert.deepEqual([probe!.state, reasons.map(({ code }) => code)], ['open', ['entry_failed']])
  proxy.clear()
  await until(() => handedOutBy('gw-1', 'gw-2', 'gw-shut'), 'it is handed out again')
  await gateway.stop('SIGTERM')
  await until(() => handedOutBy('gw-1', 'gw-2'), 'it has left')
})

test('nodes left behind on a retired topic stand out by name, version and address, although they look healthy', async () => {
  const retired = [{ name: 'quote', topic: OLD, generation: 1, pinned: true }]
  await startNode('pulse', { node: { id: 'pulse-old' }, feeds: retired })
  const push = await startPush('push-old', 'A', retired)
  await startGateway('gw-old', { upstreams: [{ line: 'A', addresses: [push.url] }] })
  await until(
    async () => (await verdict('gw-old'))?.reasons.some(({ code }) => code === 'generation_retired') === true,
    'gw-old is found out',
  )
  await until(
    async () => (await verdict('push-old'))?.reasons.some(({ code }) => code === 'generation_retired') === true,
    'push-old is found out',
  )
  const row = (await verdict('push-old'))!
  assert.equal(row.handedOut, false)
  const { message } = row.reasons.find(({ code }) => code === 'generation_retired')!
  for (const part of ['push-old', row.version, push.url, OLD, QUOTES]) assert.ok(message.includes(part), message)
  assert.ok(await handedOutBy('gw-1', 'gw-2'))
})

/** A balancer in this process, over the same installation, whose probes fail when they are told to. */
async function faultyBalancer() {
  const config = loadConfig('balancer', {
    assignments: [
      'node.id=lb-3',
      `log.brokers=${kafka.brokers.join(',')}`,
      'directory.enabled=true',
      `directory.topic=${CONTROL}`,
      'balancer.listen.host=127.0.0.1',
      'balancer.listen.port=0',
    ],
  })
  const directory: ControlDirectory = openDirectory({ config: config.directory, log, logger: silentLogger })
  const probes = new BreakableProbes()
  const balancer: Balancer = createBalancer(config, { directory, logger: silentLogger, connect: probes.connect })
  await directory.start()
  await balancer.start()
  const gateways = async () => {
    const response = await fetch(`http://127.0.0.1:${balancer.port}/v1/gateways`)
    return response.ok ? ((await response.json()) as GatewaysAnswer) : null
  }
  return {
    gateways,
    breakProbes: () => probes.break(),
    mendProbes: () => probes.mend(),
    async [Symbol.asyncDispose]() {
      await balancer.close()
      await directory.close()
    },
  }
}

test('every probe fails at once, by a hook: the last known good are handed out, marked degraded; an offline word holds even then', async () => {
  await using faulty = await faultyBalancer()
  const hasProven = async () => {
    const answer = await faulty.gateways()
    return namesIn(answer) === 'gw-1 gw-2' && answer?.degraded === false
  }
  await until(hasProven, 'the third balancer has proven both')
  faulty.breakProbes()
  await until(async () => (await faulty.gateways())?.degraded === true, 'answers are marked degraded')
  const answer = (await faulty.gateways())!
  assert.equal(namesIn(answer), 'gw-1 gw-2')
  assert.deepEqual(
    answer.reasons.map(({ code }) => code),
    ['probes_failed'],
  )
  await sayWord(log, CONTROL, 'gw-1', 'offline', systemClock.nowMs())
  await until(async () => namesIn(await faulty.gateways()) === 'gw-2', 'the word is honoured')
  await sayWord(log, CONTROL, 'gw-1', 'online', systemClock.nowMs())
  faulty.mendProbes()
  await until(hasProven, 'proven again')
  await until(() => handedOutBy('gw-1', 'gw-2'), 'the others hand out both again')
})

test('Kafka is gone: the gateways of before are handed out, marked, for as long as it takes; and proven again afterwards', async () => {
  await kafka.kill()
  await until(
    async () => (await answers()).every((answer) => answer?.reasons.some(({ code }) => code === 'directory_degraded') === true),
    'answers are marked degraded',
  )
  // Longer than any lease lives and any pulse counts.
  const untilMs = systemClock.nowMs() + 8000
  await until(async () => {
    if (!(await handedOutBy('gw-1', 'gw-2'))) {
      const seen = await Promise.all(balancers.map((balancer) => ask(balancer, '/v1/verdicts')))
      assert.fail(`somebody is lost while everything looks bad: ${JSON.stringify(seen)}`)
    }
    return systemClock.nowMs() > untilMs
  }, 'eight seconds')
  assert.equal((await fetch(`http://127.0.0.1:${balancers[0]!.port}/live`)).status, 200)
  assert.equal((await fetch(`http://127.0.0.1:${balancers[0]!.port}/ready`)).status, 200)
  await kafka.restart()
  await until(
    async () => (await answers()).every((answer) => answer?.degraded === false) && (await handedOutBy('gw-1', 'gw-2')),
    'proven again',
  )
})

test('a killed gateway is in no answer after 3 s', async (t) => {
  const gateway = nodes.find((node) => node.role === 'gateway' && node.lines.some(({ nodeId }) => nodeId === 'gw-1'))!
  gateway.signal('SIGKILL')
  const tookMs = await goneAfterMs('gw-1', systemClock.nowMs())
  t.diagnostic(`gone after ${Math.round(tookMs)} ms`)
  assert.ok(tookMs <= GONE_WITHIN_MS, `${tookMs} ms`)
  const [reason] = (await verdict('gw-1'))!.reasons.filter(({ code }) => code === 'connect_failed')
  assert.match(reason!.message, /ECONNREFUSED/)
})

test('a balancer ends with exit code 0 and says goodbye; the other goes on', async () => {
  assert.equal(await balancers[1]!.stop('SIGTERM'), 0, balancers[1]!.describe())
  await until(async () => (await verdict('lb-2'))?.reasons.some(({ code }) => code === 'lease_left') === true, 'the goodbye')
  assert.equal(namesIn(await ask<GatewaysAnswer>(balancers[0]!, '/v1/gateways')), 'gw-2')
})
