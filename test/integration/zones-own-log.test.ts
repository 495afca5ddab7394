/** Two zones, each with a Kafka of its own, and balancers that see both: what they hand out while a zone, or its Kafka, is lost and comes back. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runCommand } from '../support/command.ts'
import { steadyMs } from '../support/steady.ts'
import { ViewRecorder } from '../support/view-recorder.ts'
import { OwnLogZone, SYMBOLS } from './own-log-zone.ts'

/** What is lost is in no answer after this; promise P4. */
const GONE_WITHIN_MS = 3000
/** A client is served elsewhere after this. */
const MOVED_WITHIN_MS = 30_000
const DEADLINE_MS = 90_000
/** How often the client asks balancers anew: it goes home by that. */
const RENEW_MS = 3_000
const POLL_MS = 50

let a: OwnLogZone
let b: OwnLogZone
let stopProducing = (): void => {}

before(async () => {
  // Zone a has the larger generation: what a client holds of it is beyond anything that b has.
  ;[a, b] = await Promise.all([OwnLogZone.open('a', 4), OwnLogZone.open('b', 1)])
  let last = 0
  const producing = setInterval(() => {
    last++
    for (const zone of [a, b]) zone.produce(last).catch(() => {})
  }, 250)
  stopProducing = () => clearInterval(producing)
  await a.startNodes([b])
  await b.startNodes([a])
})

after(async () => {
  stopProducing()
  await Promise.all([a?.[Symbol.asyncDispose](), b?.[Symbol.asyncDispose]()])
})

/** @returns how long it took. */
async function until(condition: () => Promise<boolean>, what: string, deadlineMs = DEADLINE_MS): Promise<number> {
  const sinceMs = steadyMs()
  while (!(await condition())) {
    if (steadyMs() - sinceMs > deadlineMs) {
      const seen = await Promise.all([a, b].map((zone) => zone.verdicts().catch(String)))
      assert.fail(`${what}: not within ${deadlineMs} ms\n${JSON.stringify(seen, null, 1)}\n${b.balancer.process.describe()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return steadyMs() - sinceMs
}

/** What both balancers, or one, hand out to clients of either zone. */
async function handOut(zones: readonly OwnLogZone[], toA: string, toB: string): Promise<boolean> {
  const all = await Promise.all(zones.flatMap((zone) => [zone.handsOut('a'), zone.handsOut('b')]))
  return all.every((given, index) => given === (index % 2 === 0 ? toA : toB))
}

test('both balancers hand out the gateways of both zones, the near one first, and find nothing against any node', async () => {
  await until(() => handOut([a, b], 'gw-a gw-b', 'gw-b gw-a'), 'both gateways are handed out')
  for (const zone of [a, b]) {
    await until(async () => {
      const rows = await zone.verdicts()
      return rows.length === 10 && rows.every(({ handedOut, reasons }) => handedOut && reasons.length === 0)
    }, `all nodes of both zones are found good by lb-${zone.name}`)
    const generations = (await zone.verdicts()).flatMap(
      ({ node, probe }) => probe?.feeds.map(({ generation }) => `${node} ${generation}`) ?? [],
    )
    assert.deepEqual(generations.sort(), ['gw-a 4', 'gw-b 1'], 'each is proven in the generation of its own log')
    assert.equal(zone.balancer.count('node_name_taken'), 0)
  }
})

test('pulsewire doctor, with the configuration of a balancer, looks at the control topic of the other zone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pulsewire-zones-'))
  try {
    const file = join(folder, 'balancer.yaml')
    writeFileSync(file, JSON.stringify(a.settings))
    const { stdout } = await runCommand(['doctor', '--config', file])
    assert.match(stdout, /✓ control topic pulsewire\.control of zone b can be read: 5 nodes, 1 gateways/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a zone that is killed with its Kafka is in no answer after 3 s, its client is shown what the other has, and goes home without a flag once it is back', async (t) => {
  const balancer = [a, b].map((zone) => `http://127.0.0.1:${zone.balancer.port}`)
  await using client = new ViewRecorder({ balancer, zone: 'a', gatewaysRenewMs: RENEW_MS }, { feed: 'quote', symbols: SYMBOLS })
  const shows = (zone: string) => {
    const isOf = (values: unknown) => (values as { readonly zone?: string } | undefined)?.zone === zone
    return client.subscription.state.state === 'live' && Object.values(client.images()).every(isOf)
  }
  await client.until(
    () => client.client.session?.node === 'gw-a' && client.updates.length > SYMBOLS.length,
    'the client is served in its zone',
  )
  const killedAtMs = steadyMs()
  await a.kill()
  await until(() => handOut([b], 'gw-b', 'gw-b'), 'the zone is left out')
  const goneMs = steadyMs() - killedAtMs
  assert.ok(goneMs <= GONE_WITHIN_MS, `left out after ${goneMs} ms`)
  await client.until(() => client.client.session?.node === 'gw-b', 'the client is served by the other zone', MOVED_WITHIN_MS)
  // By its position all that this zone has is older than what the client held of the other.
  await client.until(() => shows('b'), 'the client is shown what this zone has', MOVED_WITHIN_MS)
  const movedMs = steadyMs() - killedAtMs
  const resumed = client.updates.filter(({ recovered }) => recovered !== undefined)
  assert.deepEqual(
    resumed.map(({ symbol, recovered }) => `${symbol} ${recovered}`).sort(),
    SYMBOLS.map((symbol) => `${symbol} false`),
  )
  assert.equal(await b.isReady(), true)
  const nothingAgainst = async (zone: OwnLogZone) =>
    (await zone.verdicts()).filter((row) => row.zone === zone.name).every(({ handedOut, reasons }) => handedOut && reasons.length === 0)
  await until(() => nothingAgainst(b), 'all is well with the zone that is there')
  const statesBefore = client.states.length
  await a.restart()
  const backMs = await until(() => handOut([a, b], 'gw-a gw-b', 'gw-b gw-a'), 'the zone is handed out again')
  await client.until(() => client.client.session?.node === 'gw-a' && shows('a'), 'the client is home', DEADLINE_MS)
  assert.deepEqual(client.states.slice(statesBefore), [], 'nothing turned stale on the way home')
  const zones = client.updates.slice(client.updates.indexOf(resumed[0]!)).map(({ values }) => values['zone'])
  const homeFrom = zones.indexOf('a')
  assert.ok(homeFrom > 0 && zones.slice(homeFrom).every((zone) => zone === 'a'), 'never the one zone after the other has begun')
  t.diagnostic(
    `left out after ${goneMs.toFixed(0)} ms, the client moved after ${movedMs.toFixed(0)}, handed out again ${backMs.toFixed(0)} after its nodes listened`,
  )
})

test('where the Kafka of a zone alone is lost, its gateways are given to nobody while those of the other are proven', async () => {
  await a.killKafka()
  await until(() => handOut([a, b], 'gw-b', 'gw-b'), 'both balancers give gw-b to everybody, and vouch for it')
})

test('a zone that is built anew, with an empty Kafka at the old address, is handed out again', async () => {
  await Promise.all(a.nodes.map((node) => node.kill()))
  await a.rebuild()
  // Its offsets begin at 0, below all that lb-b has heard; lb-b has run all the time.
  await until(() => handOut([a, b], 'gw-a gw-b', 'gw-b gw-a'), 'the zone is handed out again', MOVED_WITHIN_MS)
  assert.equal(b.balancer.count('control_topic_recreated'), 1)
})

test('a balancer that starts while a Kafka is away is ready by the other: its own waits for that, the other does not', async () => {
  await a.killKafka()
  assert.equal(await b.balancer.terminate(), 0)
  await b.balancer.start()
  await until(() => b.isReady(), 'lb-b is ready')
  assert.equal(await a.balancer.terminate(), 0, 'it ends as ever, without its Kafka')
  await a.balancer.start()
  await until(() => a.isReady(), 'lb-a is ready')
  await until(() => handOut([a, b], 'gw-b', 'gw-b'), 'both give gw-b to everybody')
})
