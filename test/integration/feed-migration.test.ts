/** Feeds move to other topics, to another cluster and back on real Kafka, by the command itself, and no client notices. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ControlDirectory, type Log, openKafkaLog, silentLogger } from '@pulsewire/server'
import { Fleet } from '../support/fleet.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { FEEDS, MOVING_SYMBOLS, type MovingFeed, MovingProducer, MovingViews, type Place } from '../support/moving-feeds.ts'
import { NodeProcess } from '../support/node-process.ts'
import { PulsewireCommand } from '../support/pulsewire-command.ts'

const run = Date.now().toString(36)
const CONTROL = `control-${run}`
const PARTITIONS = { v1: 4, v8: 6, abroad: 3 }
type Version = keyof typeof PARTITIONS

let kafka: KafkaForTests
let abroad: KafkaForTests
const logs: Log[] = []
const places = { quote: {}, trade: {} } as Record<MovingFeed, Record<Version, Place>>
let producer: MovingProducer
let fleet: Fleet
let directory: ControlDirectory

before(async () => {
  ;[kafka, abroad] = await Promise.all([startKafka(), startKafka({ own: true })])
  const [home, other] = [kafka, abroad].map(({ brokers }) => openKafkaLog({ brokers })) as [Log, Log]
  logs.push(home, other)
  for (const feed of FEEDS) {
    for (const version of ['v1', 'v8', 'abroad'] as const) {
      const place = { log: version === 'abroad' ? other : home, topic: `${feed}-${version}-${run}` }
      places[feed][version] = place
      await place.log.createTopic(place.topic, { partitions: PARTITIONS[version] })
    }
  }
  producer = new MovingProducer({ quote: Object.values(places.quote), trade: Object.values(places.trade) })
  await producer.start()
  directory = new ControlDirectory({ log: home, topic: CONTROL, lifeMs: 3000, logger: silentLogger, tidies: false })
  await directory.start()
  fleet = await Fleet.start({
    brokers: kafka.brokers,
    feeds: [
      { name: 'quote', topic: places.quote.v1.topic },
      { name: 'trade', topic: places.trade.v1.topic, mode: 'every' },
    ],
    directory: CONTROL,
  })
})

after(async () => {
  await fleet?.[Symbol.asyncDispose]()
  await producer?.[Symbol.asyncDispose]()
  await directory?.close()
  for (const log of logs) await log.close()
  await Promise.all([kafka?.stop(), abroad?.stop()])
})

function pulsewire(...args: string[]): PulsewireCommand {
  return new PulsewireCommand([...args, '--brokers', kafka.brokers.join(','), '--set', `directory.topic=${CONTROL}`])
}

function migrate(feed: MovingFeed, version: Version): PulsewireCommand {
  const where = version === 'abroad' ? ['--to-brokers', abroad.brokers.join(',')] : []
  return pulsewire('feed', 'migrate', feed, '--topic', places[feed][version].topic, ...where)
}

async function watch(): Promise<MovingViews> {
  const views = new MovingViews(producer, fleet.urls)
  await views.live()
  return views
}

/** Where the feed is now, as the catalogue says. */
function placeOf(feed: MovingFeed): { readonly generation: number; readonly topic: string } {
  return directory.feeds.get(feed)?.current ?? { generation: 1, topic: places[feed].v1.topic }
}

/** A topic of the same cluster that the feed is not on. */
function elsewhere(feed: MovingFeed): Version {
  return placeOf(feed).topic === places[feed].v1.topic ? 'v8' : 'v1'
}

test('feeds move to topics with more partitions and back, while clients see every record once and nothing stale', async () => {
  await using views = await watch()
  for (const output of await Promise.all(FEEDS.map((feed) => migrate(feed, 'v8').ends()))) {
    assert.match(output, /preflight ok: .* bear the same time in both/)
    assert.match(output, /^opening: .*\n(waiting .*\n)*switching: .*\n(waiting .*\n)*settled: .*\ndone: /m)
  }
  await views.sawAll()
  assert.deepEqual(views.generations(), { quote: [2], trade: [2] })
  assert.match(await pulsewire('feed', 'list').ends(), new RegExp(`^trade +2 +${places.trade.v8.topic} +settled +4 +0$`, 'm'))
  await Promise.all(FEEDS.map((feed) => pulsewire('feed', 'rollback', feed).ends()))
  await views.sawAll()
  assert.deepEqual(views.generations(), { quote: [3], trade: [3] })
  assert.match(await pulsewire('feed', 'rollback', 'trade').ends(), /^done: .*generation 3/)
})

test('the command is killed at each of its steps, and run again it goes on', async () => {
  await using views = await watch()
  const { generation } = placeOf('trade')
  const version = elsewhere('trade')
  const show = () => pulsewire('feed', 'show', 'trade').ends()
  await migrate('trade', version).killedAt(/^preflight/)
  assert.equal(placeOf('trade').generation, generation)
  // A kill from outside may come a step late; then the next one begins there, and has no more to say of what is done.
  await migrate('trade', version).killedAt(/^opening: |^switching: /)
  const opening = `opening: generation ${generation + 1} .*\n.*feed migrate trade --topic .*feed rollback trade`
  const switching = `switching: nodes take generation ${generation + 1} `
  assert.match(await show(), new RegExp(`${opening}|${switching}`))
  await migrate('trade', version).killedAt(/^switching: |^waiting until |^settled: /)
  assert.match(await show(), new RegExp(`${switching}|settled.*${generation + 1}`))
  await migrate('trade', version).killedAt(/^waiting until |^settled: |^done: /)
  assert.match(await migrate('trade', version).ends(), new RegExp(`^done: .*generation ${generation + 1}`, 'm'))
  assert.match(await migrate('trade', version).ends(), new RegExp(`^done: .*generation ${generation + 1}`))
  await views.sawAll()
})

test('a migration is given up before the switch, and nothing has changed', async () => {
  await using views = await watch()
  const before = placeOf('quote')
  await migrate('quote', elsewhere('quote')).killedAt(/^opening: /)
  assert.match(await pulsewire('feed', 'rollback', 'quote').ends(), /given up[^\n]*\ndone: /)
  await views.sawAll()
  assert.deepEqual(views.generations().quote, [before.generation])
})

test('of two operators at once, one has his way and the other is told', async () => {
  await using views = await watch()
  const version = elsewhere('quote')
  const first = migrate('quote', version)
  await first.line(/^opening: /)
  first.child.kill('SIGSTOP')
  const second = pulsewire('feed', 'migrate', 'quote', '--topic', places.trade.v8.topic, '--force')
  assert.equal(await second.code, 1)
  assert.match(second.output, /migration_refused: .*is being moved to generation .* already/)
  first.child.kill('SIGCONT')
  await first.ends()
  assert.equal(placeOf('quote').topic, places.quote[version].topic)
  await views.sawAll()
})

test('a topic that is not there is refused, and nothing is changed', async () => {
  const before = placeOf('trade')
  const command = pulsewire('feed', 'migrate', 'trade', '--topic', 'nowhere')
  assert.equal(await command.code, 1)
  assert.match(command.output, /preflight_failed: .*nowhere.*Nothing was changed/)
  assert.deepEqual(placeOf('trade'), before)
})

test('feeds move to another cluster while a push node stands still, and back while one is killed and started again', async () => {
  await using views = await watch()
  const [a, b] = fleet.pushNodes as [NodeProcess, NodeProcess]
  const out = FEEDS.map((feed) => migrate(feed, 'abroad'))
  await Promise.all(out.map((command) => command.line(/^switching: /)))
  a.signal('SIGSTOP')
  await Promise.all(
    FEEDS.map((feed) =>
      b.line(({ code, feed: of, topic }) => code === 'generation_switched' && of === feed && topic === places[feed].abroad.topic),
    ),
  )
  // Longer than a lease lives.
  await producer.rounds(70)
  a.signal('SIGCONT')
  await Promise.all(out.map((command) => command.ends()))
  await views.sawAll()
  const back = FEEDS.map((feed) => migrate(feed, 'v1'))
  await Promise.all(back.map((command) => command.line(/^switching: /)))
  const { port } = b
  await b.stop('SIGKILL')
  fleet.pushNodes[1] = await fleet.startPush('push-b2', 'B', port)
  await Promise.all(back.map((command) => command.ends()))
  await views.sawAll()
  for (const feed of FEEDS) assert.equal(placeOf(feed).topic, places[feed].v1.topic)
})

test('a node that was left behind is named with version and address, and nobody believes it', async () => {
  await using views = await watch()
  const { generation } = placeOf('trade')
  await using old = await NodeProcess.start('push', {
    log: { kind: 'kafka', brokers: kafka.brokers },
    directory: { enabled: true, topic: CONTROL },
    node: { id: 'push-old', line: 'B' },
    push: { listen: { host: '127.0.0.1', port: 0 } },
    feeds: [
      { name: 'quote', topic: places.quote.v1.topic },
      { name: 'trade', topic: places.trade.v1.topic, mode: 'every', pinned: true, generation },
    ],
  })
  await old.line(({ code }) => code === 'ready')
  await migrate('trade', 'v8').ends()
  const lines = await Promise.all(
    fleet.gateways.map((gateway) => gateway.line(({ code, of }) => code === 'upstream_outdated' && of === 'push-old')),
  )
  for (const { msg } of lines)
    assert.match(msg, new RegExp(`push-old \\(version .*ws://.*:${old.port}.*\\) serves generation ${generation} of feed trade`))
  const shown = await pulsewire('feed', 'show', 'trade').ends()
  assert.match(shown, new RegExp(`left behind: push-old \\(version [^,]+, ws://[^)]*:${old.port}\\) reads generation ${generation}`))
  await views.sawAll()
})

test('a producer that leaves the old topic symbol by symbol, some records in both, loses none', async () => {
  await using views = await watch()
  const { v8, v1 } = places.trade
  const startedAt = producer.round
  producer.places.trade = (symbol) => {
    const left = producer.round - startedAt - 2 * MOVING_SYMBOLS.indexOf(symbol)
    return [...(left < 3 ? [v8] : []), ...(left > 0 ? [v1] : [])]
  }
  await producer.rounds(2 * MOVING_SYMBOLS.length + 5)
  await migrate('trade', 'v1').ends()
  await views.sawAll()
})
