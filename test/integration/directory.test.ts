/** Leases on real Kafka: push nodes of a line share its partitions, nodes come and go, and no client notices. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { ControlDirectory, type Log, openKafkaLog, sayGreyStop, silentLogger } from '@pulsewire/server'
import { Fleet } from '../support/fleet.ts'
import { startKafka, type KafkaForTests } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const run = Date.now().toString(36)
const TRADES = `trades-${run}`
const CONTROL = `control-${run}`
const PARTITIONS = 6
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)
const SYMBOLS = Array.from({ length: 24 }, (_, i) => `S${i}.US`)
const DEADLINE_MS = 30_000

let kafka: KafkaForTests
let log: Log
let fleet: Fleet
let directory: ControlDirectory
let round = 0

before(async () => {
  kafka = await startKafka({ own: true })
  log = openKafkaLog({ brokers: kafka.brokers })
  await log.createTopic(TRADES, { partitions: PARTITIONS })
  directory = new ControlDirectory({ log, topic: CONTROL, lifeMs: 3000, logger: silentLogger, tidies: false })
  await directory.start()
  fleet = await Fleet.start({
    brokers: kafka.brokers,
    feeds: [{ name: 'trade', topic: TRADES, mode: 'every' }],
    push: ['A', 'A', 'B', 'B'],
    directory: CONTROL,
  })
  await shared('A', ['push-a1', 'push-a2'])
  await shared('B', ['push-b3', 'push-b4'])
})

after(async () => {
  await fleet?.[Symbol.asyncDispose]()
  await directory?.close()
  await log?.close()
  await kafka?.stop()
})

/** Waits for a change of the directory that makes the condition hold. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const done = Promise.withResolvers<void>()
  const look = () => void (condition() && done.resolve())
  const stop = directory.onChange(look)
  const deadline = setTimeout(() => {
    const nodes = [...directory.nodes.values()].map(({ lease, state }) => `${lease.node} ${state} ${JSON.stringify(lease.feeds)}`)
    done.reject(new Error(`${what}: not within ${DEADLINE_MS} ms\n${nodes.join('\n')}`))
  }, DEADLINE_MS)
  look()
  await done.promise.finally(() => {
    clearTimeout(deadline)
    stop()
  })
}

function partitionsOf(node: string): readonly number[] {
  const known = directory.nodes.get(node)
  return known?.state === 'live' ? (known.lease.feeds[0]?.partitions ?? []) : []
}

/** Each partition of the line is at exactly one of these, and none has nothing to do. */
function shared(line: string, nodes: readonly string[]): Promise<void> {
  const isShared = () => {
    const shares = nodes.map(partitionsOf)
    return shares.every(({ length }) => length > 0) && String(shares.flat().sort((a, b) => a - b)) === String(ALL)
  }
  return until(isShared, `line ${line} is shared by ${nodes.join(' and ')}`)
}

async function trade(): Promise<void> {
  round++
  await log.append(
    TRADES,
    SYMBOLS.map((key) => ({ key, value: JSON.stringify({ round }) })),
  )
}

/** Trades ten times a second while something happens. @returns first and last round. */
async function tradeWhile(work: Promise<unknown>): Promise<readonly [number, number]> {
  const first = round + 1
  let isDone = false
  const finished = work.finally(() => {
    isDone = true
  })
  while (!isDone) {
    await trade()
    await Promise.race([finished, new Promise((resolve) => setTimeout(resolve, 100))])
  }
  await finished
  for (let i = 0; i < 10; i++) await trade()
  return [first, round]
}

function recordTrades(): ViewRecorder {
  return new ViewRecorder({ url: fleet.urls }, { feed: 'trade', symbols: SYMBOLS, delivery: 'every' })
}

/** The client has seen each of these rounds once and in order, of every symbol, and was never told that anything is stale. */
async function sawAll(recorder: ViewRecorder, [first, last]: readonly [number, number]): Promise<void> {
  await recorder.until(() => SYMBOLS.every((symbol) => recorder.subscription.get(symbol)?.values?.['round'] === last), 'the last trade')
  const expected = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  for (const symbol of SYMBOLS) {
    const seen = recorder.updates.filter((update) => update.symbol === symbol).map(({ values }) => Number(values['round']))
    assert.deepEqual(
      seen.filter((each) => each >= first),
      expected,
      symbol,
    )
  }
  assert.deepEqual(recorder.gaps, [])
  assert.ok(!recorder.states.some((state) => state.startsWith('stale')), recorder.states.join(' → '))
}

async function live(recorder: ViewRecorder): Promise<void> {
  await recorder.until(() => recorder.subscription.state.state === 'live', 'live')
}

/** Runs the command itself. @returns what it prints. */
async function pulsewire(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [MAIN, ...args, '--brokers', kafka.brokers.join(','), '--set', `directory.topic=${CONTROL}`])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)))
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 0, output)
  return output
}

function isReady(node: NodeProcess): Promise<boolean> {
  return fetch(`http://127.0.0.1:${node.port}/ready`).then(
    ({ status }) => status === 200,
    () => false,
  )
}

test('each line shares its partitions, and every gateway is linked to all four push nodes', async () => {
  for (const gateway of fleet.gateways) {
    for (const node of ['push-a1', 'push-a2', 'push-b3', 'push-b4']) {
      await gateway.line(({ code, msg }) => code === 'link_open' && msg.includes(node))
    }
  }
  await using recorder = recordTrades()
  await live(recorder)
  const first = round + 1
  await trade()
  await sawAll(recorder, [first, round])
})

test('a push node is killed, comes back, and another joins: partitions move within the line, clients see nothing of it', async () => {
  await using recorder = recordTrades()
  await live(recorder)
  fleet.pushNodes[0]!.signal('SIGKILL')
  const killed = await tradeWhile(shared('A', ['push-a2']))
  const again = await tradeWhile(
    fleet.startPush('push-a1', 'A').then(async (node) => {
      fleet.pushNodes[0] = node
      await shared('A', ['push-a1', 'push-a2'])
    }),
  )
  const joined = await tradeWhile(
    fleet.startPush('push-a5', 'A').then(async (node) => {
      fleet.pushNodes.push(node)
      await until(() => partitionsOf('push-a5').length > 0, 'push-a5 has partitions')
      await until(() => ['push-a1', 'push-a2', 'push-a5'].flatMap(partitionsOf).length === PARTITIONS, 'nobody has one twice')
    }),
  )
  const left = await tradeWhile(
    fleet.pushNodes
      .pop()!
      .stop('SIGTERM')
      .then(() => shared('A', ['push-a1', 'push-a2'])),
  )
  assert.deepEqual([partitionsOf('push-b3').length + partitionsOf('push-b4').length], [PARTITIONS])
  await sawAll(recorder, [killed[0], left[1]])
  assert.ok(again[0] < joined[0])
})

test('a frozen push node loses its share within a lease’s life and gets it back only when it has caught up', async () => {
  await using recorder = recordTrades()
  await live(recorder)
  const [node] = fleet.pushNodes
  node!.signal('SIGSTOP')
  const frozen = await tradeWhile(shared('A', ['push-a2']))
  const before = directory.nodes.get('push-a1')!.lease.beat
  node!.signal('SIGCONT')
  const ready: boolean[] = []
  const stop = directory.onChange(() => {
    const { lease } = directory.nodes.get('push-a1')!
    if (lease.beat === before + ready.length + 1) ready.push(lease.ready)
  })
  const thawed = await tradeWhile(shared('A', ['push-a1', 'push-a2']))
  stop()
  await node!.line(({ code }) => code === 'lease_lapsed')
  // One beat that was on its way when it froze may still come; the next says that it is not ready.
  assert.ok(ready.indexOf(false) === 0 || ready.indexOf(false) === 1, ready.join())
  await sawAll(recorder, [frozen[0], thawed[1]])
})

test('a gateway that is taken offline takes nobody new within 3 s, stays out over a restart, and is back when told', async () => {
  const [gateway] = fleet.gateways
  await using recorder = new ViewRecorder({ url: [fleet.urls[0]!, fleet.urls[1]!] }, { feed: 'trade', symbols: SYMBOLS })
  await live(recorder)
  assert.match(await pulsewire('node', 'offline', 'gw-1', '--by', 'jo@ops-1'), /gw-1 is taken out/)
  const saidAtMs = performance.now()
  const told = await gateway!.line(({ code, word }) => code === 'told' && word === 'offline', 3000)
  assert.match(told.msg, /^jo@ops-1 says: offline/)
  assert.equal(await isReady(gateway!), false)
  assert.ok(performance.now() - saidAtMs < 3000)
  await until(
    () => directory.nodes.get('gw-1')?.word === 'offline' && directory.nodes.get('gw-1')?.lease.ready === false,
    'its lease says so',
  )
  await recorder.until(() => recorder.client.session?.url.startsWith(fleet.urls[1]!) === true, 'the client has moved')
  await gateway!.stop('SIGTERM')
  const again = await fleet.startGateway('gw-1')
  fleet.gateways[0] = again
  await again.line(({ code, word }) => code === 'told' && word === 'offline')
  assert.equal(await isReady(again), false)
  const table = await pulsewire('nodes')
  assert.match(table, /^gw-1 +gateway +live +offline/m)
  assert.match(table, /^gw-1 is offline: jo@ops-1 said so at \d{4}-/m)
  assert.match(table, /^push-a1 +push +live +online +yes .* A +trade:1 /m)
  await pulsewire('node', 'online', 'gw-1')
  await until(() => directory.nodes.get('gw-1')?.lease.ready === true, 'gw-1 is ready')
  assert.equal(await isReady(again), true)
})

test('a control topic that is deleted is made anew with what was said in it: a gateway that is offline stays so over a restart', async () => {
  await pulsewire('node', 'offline', 'gw-1')
  await fleet.gateways[0]!.line(({ code, word }) => code === 'told' && word === 'offline')
  // Whichever of them comes first.
  const nodes = [...fleet.gateways, ...fleet.pushNodes, ...fleet.pulses]
  const { topicId } = await log.describe(CONTROL)
  await log.deleteTopic(CONTROL)
  const again = await Promise.any(nodes.map((node) => node.line(({ code }) => code === 'control_records_again', 2 * DEADLINE_MS)))
  assert.match(again.msg, /word\/gw-1/)
  assert.notEqual((await log.describe(CONTROL)).topicId, topicId)
  await fleet.gateways[0]!.stop('SIGTERM')
  fleet.gateways[0] = await fleet.startGateway('gw-1')
  await fleet.gateways[0].line(({ code, word }) => code === 'told' && word === 'offline')
  await pulsewire('node', 'online', 'gw-1')
  await until(() => directory.nodes.get('gw-1')?.lease.ready === true, 'gw-1 is ready')
})

test('a control topic whose records Kafka would remove: nodes say so, with the command that mends it', async () => {
  const topic = `${CONTROL}-deletes`
  await log.createTopic(topic, { partitions: 1, config: { 'cleanup.policy': 'delete', 'retention.ms': '86400000' } })
  const shared = { log: { kind: 'kafka', brokers: kafka.brokers }, directory: { enabled: true, topic } }
  const gateway = { listen: { host: '127.0.0.1', port: 0 } }
  await using node = await NodeProcess.start('gateway', { ...shared, node: { id: 'gw-elsewhere' }, gateway })
  const { msg, level } = await node.line(({ code }) => code === 'control_topic_policy', DEADLINE_MS)
  assert.equal(level, 'error')
  assert.match(
    msg,
    /cleanup\.policy=delete, expected compact: .* after 86400000 ms .*kafka-configs\.sh .*--add-config cleanup\.policy=compact/,
  )
})

test('who takes part in a grey release is said to everybody, holds over restarts of whoever reads it, and is taken back', async () => {
  assert.match(await pulsewire('grey', 'show'), /nobody takes part/)
  const file = join(tmpdir(), `pulsewire-users-${process.pid}`)
  writeFileSync(file, 'jo\nma\n')
  try {
    assert.match(
      await pulsewire('grey', 'set', '--percent', '5', '--users', file, '--by', 'jo@ops-1'),
      /5 % of all users and 2 named users/,
    )
  } finally {
    rmSync(file)
  }
  await until(() => directory.grey?.includes('jo') === true && directory.grey.release.percent === 5, 'it has been read')
  // A reader of its own, which knows only what the topic holds.
  assert.match(await pulsewire('grey', 'show', '--user', 'ma'), /take part: jo@ops-1 said so at .*\nma does$/m)
  await sayGreyStop(log, CONTROL, { of: directory.grey!.release.atMs, by: 'lb-7', reason: 'latency of grey is 400 ms', atMs: 1 })
  await until(() => directory.grey?.includes('jo') === false, 'it is stopped')
  assert.match(await pulsewire('grey', 'show'), /nobody takes part: lb-7 stopped the release at .*: latency of grey is 400 ms/)
  await pulsewire('grey', 'set', '--percent', '100', '--no-guard')
  await until(() => directory.grey?.includes('al') === true, 'an operator outranks it')
  assert.equal(directory.grey?.release.guarded, false)
  assert.match(await pulsewire('grey', 'off', '--by', 'ma@ops-2'), /nobody/)
  await until(() => directory.grey === null, 'it has been taken back')
  assert.match(await pulsewire('grey', 'show'), /nobody takes part in a grey release: ma@ops-2 said so at /)
  await assert.rejects(pulsewire('grey', 'set'), /--percent, --users, or both/)
  await assert.rejects(pulsewire('grey', 'set', '--users', file), /cannot be read/)
})

test('a second process with the name of one that runs serves nobody; one that was frozen meanwhile ends with a code that is not 0', async () => {
  const [, gateway] = fleet.gateways
  await using second = await fleet.startGateway('gw-2')
  const { msg } = await second.line(({ code }) => code === 'node_id_taken')
  assert.ok(msg.includes(`gw-2 (${gateway!.url}`), msg)
  assert.deepEqual([await isReady(second), await isReady(gateway!)], [false, true])
  const exited = once(gateway!.child, 'exit')
  gateway!.signal('SIGSTOP')
  await second.line(({ code }) => code === 'node_id_free')
  await until(() => directory.nodes.get('gw-2')?.lease.addresses[0]?.startsWith(second.url) === true, 'the second one has the lease')
  gateway!.signal('SIGCONT')
  await gateway!.line(({ code }) => code === 'node_superseded')
  assert.deepEqual(await exited, [1, null])
  await second.stop('SIGTERM')
  fleet.gateways[1] = await fleet.startGateway('gw-2')
  await until(() => directory.nodes.get('gw-2')?.lease.ready === true, 'gw-2 is ready')
})

test('a misspelt name is refused', async () => {
  await assert.rejects(pulsewire('node', 'offline', 'gw-11'), /node_unknown/)
})

test('Kafka is gone for 20 s: nothing is torn down, everybody says so, and all is live again by itself', { timeout: 120_000 }, async () => {
  await using recorder = recordTrades()
  await live(recorder)
  const nodes = [...fleet.gateways, ...fleet.pushNodes]
  const removed = () => fleet.gateways.flatMap(({ lines }) => lines.filter(({ code }) => code === 'link_removed')).length
  const before = removed()
  const marks = nodes.map(({ lines }) => lines.length)
  const since = (node: NodeProcess, of: string) =>
    node.line((line) => line.code === of && node.lines.indexOf(line) >= marks[nodes.indexOf(node)]!, 60_000)
  await kafka.kill()
  await Promise.all(nodes.map((node) => since(node, 'view_degraded')))
  await recorder.until(() => recorder.subscription.state.state === 'stale', 'stale while nothing comes')
  await new Promise((resolve) => setTimeout(resolve, 20_000))
  assert.equal(removed(), before)
  assert.ok(recorder.client.session !== undefined)
  await kafka.restart()
  await Promise.all(nodes.map((node) => since(node, 'view_current')))
  await recorder.until(() => recorder.subscription.state.state === 'live', 'live again', 60_000)
  assert.equal(removed(), before)
  await shared('A', ['push-a1', 'push-a2'])
  await trade()
  await recorder.until(() => SYMBOLS.every((symbol) => recorder.subscription.get(symbol)?.values?.['round'] === round), 'a new trade')
})
