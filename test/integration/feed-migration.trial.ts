/**
 * Feeds move to other topics and back on real Kafka, by the command itself, and no client notices. A trial apart from
 * `npm test` (`npm run trial:migration`) until it holds in every run.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { type CatalogueFeed, type FeedReader, type Log, openKafkaLog } from '@pulsewire/server'
import { Fleet } from '../support/fleet.ts'
import { startKafka, type KafkaForTests } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const run = Date.now().toString(36)
const CONTROL = `control-${run}`
const TOPICS = { quote: [`quotes-${run}`, `quotes-v8-${run}`], trade: [`trades-${run}`, `trades-v8-${run}`] } as const
const FEEDS = ['quote', 'trade'] as const
const SYMBOLS = Array.from({ length: 24 }, (_, i) => `S${i}.US`)
/** Traded once, before anything moves. */
const IDLE = 'IDLE.US'
const COMMAND_MS = 90_000

let kafka: KafkaForTests
let log: Log
let fleet: Fleet
let producing: Promise<void>
let isProducing = true
let round = 0

before(async () => {
  kafka = await startKafka()
  log = openKafkaLog({ brokers: kafka.brokers })
  for (const [index, partitions] of [4, 6].entries()) {
    for (const feed of FEEDS) await log.createTopic(TOPICS[feed][index]!, { partitions })
  }
  await produce([IDLE, ...SYMBOLS])
  producing = produceOn()
  fleet = await Fleet.start({
    brokers: kafka.brokers,
    feeds: [
      { name: 'quote', topic: TOPICS.quote[0] },
      { name: 'trade', topic: TOPICS.trade[0], mode: 'every' },
    ],
    directory: CONTROL,
  })
})

after(async () => {
  isProducing = false
  await producing
  await fleet?.[Symbol.asyncDispose]()
  await log?.close()
  await kafka?.stop()
})

/** Every record goes to both topics of both feeds, with the same time. */
async function produce(symbols: readonly string[]): Promise<void> {
  round++
  const timestampMs = Date.now()
  const records = symbols.map((key) => ({ key, value: JSON.stringify({ round }), timestampMs }))
  for (const topic of [...TOPICS.quote, ...TOPICS.trade]) await log.append(topic, records)
}

async function produceOn(): Promise<void> {
  while (isProducing) {
    await produce(SYMBOLS)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What `feed show --json` prints. */
interface FeedView {
  readonly catalogued: CatalogueFeed | null
  readonly readers: readonly FeedReader[]
}

interface Command {
  readonly child: ChildProcess
  readonly lines: string[]
  /** @throws Error when it ends without the line. */
  line(which: RegExp): Promise<void>
  readonly code: Promise<number | null>
}

function pulsewire(...args: string[]): Command {
  const child = spawn(process.execPath, [MAIN, ...args, '--brokers', kafka.brokers.join(','), '--set', `directory.topic=${CONTROL}`], {
    timeout: COMMAND_MS,
  })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const told = (line: string) => {
    lines.push(line)
    for (const look of waiting) look()
  }
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', told)
  const code = once(child, 'close').then(([exitCode]) => exitCode as number | null)
  const line = (which: RegExp) =>
    Promise.race([
      new Promise<void>((resolve) => {
        const look = () => void (lines.some((each) => which.test(each)) && resolve())
        waiting.add(look)
        look()
      }),
      code.then(() =>
        assert.ok(
          lines.some((each) => which.test(each)),
          `${which} did not come:\n${lines.join('\n')}`,
        ),
      ),
    ])
  return { child, lines, line, code }
}

/** @returns what it printed. @throws Error unless it ends well. */
async function ends(command: Command): Promise<string> {
  const output = () => command.lines.join('\n')
  assert.equal(await command.code, 0, output())
  return output()
}

/** Clients of both gateways on both feeds. */
function watch(): { readonly recorders: ViewRecorder[]; readonly first: number } & AsyncDisposable {
  const recorders = fleet.urls.flatMap((url) => [
    new ViewRecorder({ url }, { feed: 'trade', symbols: [...SYMBOLS, IDLE], delivery: 'every' }),
    new ViewRecorder({ url }, { feed: 'quote', symbols: [...SYMBOLS, IDLE] }),
  ])
  return {
    recorders,
    first: round + 20,
    [Symbol.asyncDispose]: async () => void (await Promise.all(recorders.map((recorder) => recorder[Symbol.asyncDispose]()))),
  }
}

async function live({ recorders }: ReturnType<typeof watch>): Promise<void> {
  await Promise.all(recorders.map((recorder) => recorder.until(() => recorder.subscription.state.state === 'live', 'live')))
}

/** Since `live`: every trade once and in order, quotes never backwards, the idle symbol once, and never a word of staleness. */
async function sawAll({ recorders, first }: ReturnType<typeof watch>): Promise<void> {
  const last = round + 5
  for (const recorder of recorders) {
    const at = (symbol: string) => Number(recorder.subscription.get(symbol)?.values?.['round'])
    await recorder.until(() => SYMBOLS.every((symbol) => at(symbol) >= last), `round ${last}`)
    const isEvery = recorder.subscription.feed === 'trade'
    const bySymbol = Map.groupBy(recorder.updates, ({ symbol }) => symbol)
    for (const symbol of SYMBOLS) {
      const seen = bySymbol.get(symbol)!.map(({ values }) => Number(values['round']))
      const expected = isEvery
        ? Array.from({ length: last - first + 1 }, (_, i) => first + i)
        : seen.filter((each) => each >= first && each <= last).toSorted((a, b) => a - b)
      assert.deepEqual(
        seen.filter((each) => each >= first && each <= last),
        [...new Set(expected)],
        `${recorder.subscription.feed} ${symbol}`,
      )
    }
    assert.deepEqual(
      bySymbol.get(IDLE)?.map(({ values }) => values['round']),
      [1],
    )
    assert.deepEqual(recorder.gaps, [])
    const sinceLive = recorder.states.slice(recorder.states.indexOf('live'))
    assert.deepEqual(sinceLive, ['live'])
  }
}

function generationsOf({ recorders }: ReturnType<typeof watch>): number[] {
  return recorders.map((recorder) => Number(recorder.subscription.get(SYMBOLS[0]!)?.position?.split(':')[0]))
}

/** The topic of the feed that it is not on now. */
async function other(feed: 'quote' | 'trade'): Promise<string> {
  const { topic } = await placeOf(feed)
  return TOPICS[feed].find((each) => each !== topic)!
}

/** Where the feed is now, by the command. */
async function placeOf(feed: string): Promise<{ readonly generation: number; readonly topic: string }> {
  const { catalogued, readers } = JSON.parse(await ends(pulsewire('feed', 'show', feed, '--json'))) as FeedView
  return catalogued?.current ?? { generation: 1, topic: readers[0]!.leased.topic! }
}

test('feeds move to topics with more partitions and back, while clients see every record once and nothing stale', {
  timeout: 240_000,
}, async () => {
  await using clients = watch()
  await live(clients)
  for (const feed of FEEDS) {
    const output = await ends(pulsewire('feed', 'migrate', feed, '--topic', TOPICS[feed][1]!))
    assert.match(output, /preflight ok: .* bear the same time in both/)
    assert.match(output, /^opening: .*\n(waiting .*\n)*switching: .*\n(waiting .*\n)*settled: .*\ndone: /m)
  }
  await sawAll(clients)
  assert.deepEqual(generationsOf(clients), [2, 2, 2, 2])
  const table = await ends(pulsewire('feed', 'list'))
  assert.match(table, new RegExp(`^trade +2 +${TOPICS.trade[1]} +settled +4 +0$`, 'm'))
  for (const feed of FEEDS) await ends(pulsewire('feed', 'rollback', feed))
  await sawAll(clients)
  assert.deepEqual(generationsOf(clients), [3, 3, 3, 3])
  assert.match(await ends(pulsewire('feed', 'rollback', 'trade')), /^done: .*generation 3/)
})

test('the command is killed in each of its states, and run again it goes on', { timeout: 240_000 }, async () => {
  await using clients = watch()
  await live(clients)
  const now = await placeOf('trade')
  const next = now.generation + 1
  const topic = TOPICS.trade.find((each) => each !== now.topic)!
  const migrate = () => pulsewire('feed', 'migrate', 'trade', '--topic', topic)
  const killedWhen = async (which: RegExp) => {
    const command = migrate()
    await command.line(which)
    command.child.kill('SIGKILL')
    await command.code
    return await ends(pulsewire('feed', 'show', 'trade'))
  }
  assert.match(await killedWhen(/^preflight/), new RegExp(`${now.topic}`))
  assert.match(
    await killedWhen(/^opening: /),
    new RegExp(`opening: generation ${next} .*\n.*feed migrate trade --topic .*feed rollback trade`),
  )
  assert.match(await killedWhen(/^switching: /), new RegExp(`switching: nodes take generation ${next} `))
  assert.match(await ends(migrate()), /^settled: .*\ndone: /m)
  assert.match(await ends(migrate()), new RegExp(`^done: .*generation ${next}`))
  await sawAll(clients)
})

test('a migration is given up before the switch, and nothing has changed', { timeout: 120_000 }, async () => {
  await using clients = watch()
  await live(clients)
  const command = pulsewire('feed', 'migrate', 'quote', '--topic', await other('quote'))
  await command.line(/^opening: /)
  command.child.kill('SIGKILL')
  await command.code
  assert.match(await ends(pulsewire('feed', 'rollback', 'quote')), /given up[^\n]*\ndone: /)
  await sawAll(clients)
})

test('of two operators at once, one has his way and the other is told', { timeout: 120_000 }, async () => {
  const commands = [
    pulsewire('feed', 'migrate', 'quote', '--topic', await other('quote')),
    pulsewire('feed', 'migrate', 'quote', '--topic', TOPICS.trade[1]!, '--force'),
  ]
  const codes = await Promise.all(commands.map(({ code }) => code))
  const outputs = commands.map(({ lines }) => lines.join('\n'))
  assert.deepEqual(codes.toSorted(), [0, 1], outputs.join('\n\n'))
  assert.match(outputs[codes.indexOf(1)]!, /feed_changed|migration_refused/)
})

test('a topic that is not there is refused, and nothing is changed', async () => {
  const before = await placeOf('trade')
  const command = pulsewire('feed', 'migrate', 'trade', '--topic', 'nowhere')
  assert.equal(await command.code, 1)
  assert.match(command.lines.join('\n'), /preflight_failed: .*nowhere.*Nothing was changed/)
  assert.deepEqual(await placeOf('trade'), before)
})

test('a node that was left behind is named with version and address, and nobody believes it', { timeout: 120_000 }, async () => {
  await using old = await NodeProcess.start('push', {
    log: { kind: 'kafka', brokers: kafka.brokers },
    directory: { enabled: true, topic: CONTROL },
    node: { id: 'push-old', line: 'B' },
    push: { listen: { host: '127.0.0.1', port: 0 } },
    feeds: [
      { name: 'quote', topic: TOPICS.quote[0] },
      { name: 'trade', topic: TOPICS.trade[0], mode: 'every', pinned: true },
    ],
  })
  await using clients = watch()
  await live(clients)
  const lines = await Promise.all(
    fleet.gateways.map((gateway) => gateway.line(({ code, of }) => code === 'upstream_outdated' && of === 'push-old')),
  )
  for (const { msg } of lines)
    assert.match(msg, new RegExp(`push-old \\(version .*ws://.*:${old.port}.*\\) serves generation 1 of feed trade`))
  const shown = await ends(pulsewire('feed', 'show', 'trade'))
  assert.match(shown, new RegExp(`left behind: push-old \\(version [^,]+, ws://[^)]*:${old.port}\\) reads generation 1`))
  await sawAll(clients)
})
