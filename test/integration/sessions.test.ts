/** What happened to a user's sessions: asked of all gateways, and read back from the topic when the user is on none. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Log, openKafkaLog } from '@pulsewire/server'
import { runCommand } from '../support/command.ts'
import { Fleet } from '../support/fleet.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const env = { PULSEWIRE_OPERATOR_SECRET: 'a secret of the sessions test' }
const run = Date.now().toString(36)
const TOPIC = `quotes-${run}`
const SESSIONS = `pulsewire.sessions-${run}`

describe('pulsewire sessions', { timeout: 200_000 }, () => {
  const stack = new AsyncDisposableStack()
  let kafka: KafkaForTests
  let log: Log
  let fleet: Fleet

  before(async () => {
    kafka = await startKafka()
    stack.defer(() => kafka.stop())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(TOPIC, { partitions: 2 })
    const gateway = { sessionHistory: { topic: SESSIONS } }
    fleet = stack.use(
      await Fleet.start({ brokers: kafka.brokers, feeds: [{ name: 'quote', topic: TOPIC }], env, gateway, gatewayLog: true }),
    )
  })

  after(() => stack.disposeAsync())

  const sessions = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCommand(['sessions', ...(args.includes('--via') ? [] : ['--via', fleet.urls[1]!]), ...args], {
      env,
    })
    assert.deepEqual([code, stderr], [0, ''])
    return stdout
  }

  test('a user at another gateway is found, with what happened in order', async () => {
    await using recorder = new ViewRecorder(
      { url: fleet.urls[0]!, user: 'jo', name: 'app/1' },
      { feed: 'quote', symbols: ['AAPL.US', 'MSFT.US'] },
    )
    await recorder.until(() => recorder.subscription.state.state === 'live', 'live')
    const stdout = await sessions('--user', 'jo')
    assert.match(stdout, /^user jo is at gw-1: session gw-1\.\S+, app\/1 from 127\.0\.0\.1:\d+ .*for .*, 2 symbols, last acknowledged/)
    assert.match(stdout, /\nnever reached gw-2 \(in the last /)
    assert.match(stdout, /connected: app\/1 from .*\n.*subscribed: AAPL\.US, MSFT\.US of quote/)
  })

  test('a user who left is last seen where and why; the topic outlives the gateway’s memory', async () => {
    {
      await using recorder = new ViewRecorder({ url: fleet.urls[0]!, user: 'kim' }, { feed: 'quote', symbols: ['AAPL.US'] })
      await recorder.until(() => recorder.subscription.state.state === 'live', 'live')
    }
    assert.match(await sessions('--user', 'kim'), /^user kim has no session; last seen .* at gw-1: closed: bye/)
    await fleet.gateways[0]!.stop()
    const { port } = fleet.gateways[0]!
    fleet.gateways[0] = await fleet.startGateway('gw-1', port)
    assert.match(await sessions('--user', 'kim'), /^user kim has no session, and none is known\nnever reached/)
    const found = await sessions('--user', 'kim', '--topic', SESSIONS, '--brokers', kafka.brokers.join(','))
    assert.match(found, /^user kim has no session; last seen .* at gw-1: closed: bye/)
    assert.match(found, /connected: .*\n.*subscribed: AAPL\.US of quote/)
    const json = JSON.parse(await sessions('--user', 'kim', '--topic', SESSIONS, '--brokers', kafka.brokers.join(','), '--json'))
    assert.deepEqual(
      json.events.map(({ what }: { what: string }) => what),
      ['connected', 'subscribed', 'closed'],
    )
    // As where all of it is down: what was written is all that can be known.
    const alone = await sessions('--user', 'kim', '--topic', SESSIONS, '--brokers', kafka.brokers.join(','), '--via', 'ws://127.0.0.1:1')
    assert.match(alone, /^where user kim is now is not known: no gateway answered; last written .* at gw-1: closed: bye/)
  })
})
