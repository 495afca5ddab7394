/** `pulsewire doctor` as somebody at a shell runs it, over an installation that is well, and then is not. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Log, openKafkaLog } from '@pulsewire/server'
import { runCommand } from '../support/command.ts'
import { Fleet } from '../support/fleet.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'

const run = Date.now().toString(36)
const TOPIC = `quotes-${run}`
const CONTROL = `control-${run}`
const FEED = { name: 'quote', topic: TOPIC, warmup: { spanMs: 1000 } }
/** What there is to wait for comes by itself within seconds; a busy machine gets more. */
const DEADLINE_MS = 60_000

interface Check {
  readonly area: string
  readonly verdict: 'ok' | 'note' | 'problem'
  readonly what: string
  readonly why?: string
  readonly todo?: string
}

describe('pulsewire doctor', { timeout: 280_000 }, () => {
  const stack = new AsyncDisposableStack()
  let kafka: KafkaForTests
  let log: Log
  let fleet: Fleet
  let file: string

  before(async () => {
    kafka = await startKafka()
    stack.defer(() => kafka.stop())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(TOPIC, { partitions: 3 })
    fleet = stack.use(await Fleet.start({ brokers: kafka.brokers, feeds: [FEED], directory: CONTROL }))
    const shared = { log: { kind: 'kafka', brokers: kafka.brokers }, directory: { enabled: true, topic: CONTROL } }
    stack.use(
      await NodeProcess.start('balancer', { ...shared, node: { id: 'lb-1' }, balancer: { listen: { host: '127.0.0.1', port: 0 } } }),
    )
    const folder = mkdtempSync(join(tmpdir(), 'pulsewire-doctor-'))
    stack.defer(() => rmSync(folder, { recursive: true }))
    file = join(folder, 'push.yaml')
    writeFileSync(file, JSON.stringify({ ...shared, feeds: [FEED] }))
    const write = (): Promise<unknown> =>
      log
        .append(
          TOPIC,
          [0, 1, 2].map((n) => ({ partition: n, key: `S${n}`, value: '{"last":1}' })),
        )
        .catch(() => {})
    await write()
    const producing = setInterval(write, 200)
    stack.defer(() => clearInterval(producing))
  })

  after(() => stack.disposeAsync())

  async function doctor(...args: string[]): Promise<{ readonly code: number | null; readonly checks: Check[] }> {
    const { code, stdout, stderr } = await runCommand(['doctor', '--json', ...args])
    assert.equal(stderr, '')
    return {
      code,
      checks: stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Check),
    }
  }

  /** Again until it is so: leases end, and lines become fresh, in their own time. */
  async function until(which: (found: { readonly code: number | null; readonly checks: Check[] }) => boolean, ...args: string[]) {
    const signal = AbortSignal.timeout(DEADLINE_MS)
    for (;;) {
      const found = await doctor(...args)
      if (which(found)) return found
      signal.throwIfAborted()
    }
  }

  const problems = (checks: readonly Check[]): string[] => checks.filter(({ verdict }) => verdict === 'problem').map(({ what }) => what)

  test('where all is well it says so, of every area, and ends with 0', async () => {
    const { code, checks } = await until(({ code: ended }) => ended === 0, '--config', file)
    assert.deepEqual([code, problems(checks)], [0, []])
    const well = (area: string) => checks.filter((check) => check.area === area && check.verdict === 'ok').map(({ what }) => what)
    assert.match(well('configuration')[0]!, /push\.yaml is good/)
    assert.match(well('kafka').join('\n'), new RegExp(`topic ${TOPIC} has 3 partitions`))
    assert.match(well('nodes')[0]!, /7 leases live: 2 push, 2 gateway, 1 balancer, 2 pulse/)
    assert.match(well('feeds')[0]!, /lines A and B bring all of it/)
    assert.equal(well('gateways').length, 2)
    assert.match(well('balancers')[0]!, /hands out (gw-1, gw-2|gw-2, gw-1)$/)
  })

  test('for a person it prints the same, and a log that does not answer is named first, with what to do', async () => {
    const { code, stdout } = await runCommand(['doctor', '--brokers', '127.0.0.1:1', '--gateway', fleet.urls[0]!])
    assert.equal(code, 1)
    assert.match(stdout, /✗ .*127\.0\.0\.1:1/)
    assert.match(stdout, /why it matters: without the log/)
    assert.match(stdout, /✓ ws:.* brings fresh pulses of quote/)
  })

  test('a topic that is not there, and mistakes in the file', async () => {
    const missing = file.replace('push', 'missing')
    writeFileSync(
      missing,
      JSON.stringify({
        log: { brokers: kafka.brokers },
        directory: { enabled: true, topic: CONTROL },
        feeds: [{ name: 'trade', topic: 'nowhere' }],
      }),
    )
    const { code, checks } = await doctor('--config', missing)
    assert.equal(code, 1)
    assert.match(problems(checks).join('\n'), /feed trade: log_topic_missing: .*nowhere/)
    assert.match(problems(checks).join('\n'), /no push node reads feed trade/)
    writeFileSync(missing, JSON.stringify({ log: { brokers: kafka.brokers }, feeds: [{ name: 'trade', topic: 'nowhere', codec: 'xml' }] }))
    assert.match(problems((await doctor('--config', missing, '--set', `directory.topic=${CONTROL}`)).checks)[0]!, /codec/)
  })

  test('a control topic that loses what is said there', async () => {
    const topic = `${CONTROL}-deletes`
    await log.createTopic(topic, { partitions: 1, config: { 'cleanup.policy': 'delete' } })
    const { checks } = await doctor('--config', file, '--set', `directory.topic=${topic}`)
    const found = checks.find(({ area, verdict }) => area === 'kafka' && verdict === 'problem')
    assert.match(found!.what, /cleanup\.policy=delete, expected compact/)
    assert.match(found!.todo!, /kafka-configs\.sh .*cleanup\.policy=compact/)
  })

  test('a frozen gateway, a lost line and no pulse writers: each is named, nothing else is blamed for them', async () => {
    fleet.gateways[1]!.child.kill('SIGSTOP')
    await fleet.pushNodes[1]!.stop('SIGKILL')
    const found = await until(
      ({ checks }) => problems(checks).some((what) => /only line A reads/.test(what)),
      '--config',
      file,
      '--gateway',
      fleet.urls[1]!,
    )
    assert.equal(found.code, 1)
    const said = found.checks.filter(({ verdict }) => verdict !== 'ok').map(({ what }) => what)
    assert.ok(
      said.some((what) => /push push-b2 .*is gone: its lease ended without a goodbye/.test(what)),
      said.join('\n'),
    )
    assert.ok(
      said.some((what) => what.includes(fleet.urls[1]!) && /does not take a client/.test(what)),
      said.join('\n'),
    )
    assert.ok(!said.some((what) => /gw-1.*does not/.test(what)), said.join('\n'))
    for (const writer of fleet.pulses) await writer.stop('SIGKILL')
    const after = await until(({ checks }) => problems(checks).some((what) => /no partition is pulsed/.test(what)), '--config', file)
    assert.ok(
      problems(after.checks).some((what) => /gw-1 .*does not bring fresh data/.test(what)),
      problems(after.checks).join('\n'),
    )
  })
})
