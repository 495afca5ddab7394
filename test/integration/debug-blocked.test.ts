/** A node whose event loop is blocked is asked all the same: over a gateway, which asks its watchdog. So are nodes without connections. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openKafkaLog } from '@pulsewire/server'
import { type CommandResult, runCommand } from '../support/command.ts'
import { startKafka } from '../support/kafka.ts'
import { canMakeNamespaces, NetworkNamespace } from '../support/network-namespace.ts'
import { NodeProcess } from '../support/node-process.ts'

const SECRET = 'a secret of the integration test'
const env = { PULSEWIRE_OPERATOR_SECRET: SECRET }
const run = Date.now().toString(36)
const FEEDS = [{ name: 'quote', topic: `quotes-${run}` }]
const PROBES = { enabled: true, listen: { port: 0 } }
/** As long as the tests want to look at it. */
const BLOCKED_MS = 600_000

describe('pulsewire debug of a node that is blocked', { timeout: 240_000 }, () => {
  const stack = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'pulsewire-blocked-'))
  let gateway: NodeProcess
  let push: NodeProcess
  let silent: NodeProcess
  let pulse: NodeProcess
  let balancer: NodeProcess
  let office: NetworkNamespace | undefined

  before(async () => {
    stack.defer(() => rmSync(directory, { recursive: true, force: true }))
    const kafka = await startKafka()
    stack.defer(() => kafka.stop())
    const log = openKafkaLog({ brokers: kafka.brokers })
    await log.createTopic(FEEDS[0]!.topic, { partitions: 2 })
    await log.close()
    // An office from which only gateways can be reached. Where nobody may make namespaces, the machine itself.
    office = canMakeNamespaces() ? stack.use(new NetworkNamespace()) : undefined
    const shared = { log: { kind: 'kafka', brokers: kafka.brokers }, directory: { enabled: true, topic: `control-${run}` } }
    const watchdog = (name: string) => ({
      loopExitAfterMs: BLOCKED_MS,
      stageExitAfterMs: BLOCKED_MS,
      reports: { directory: join(directory, name) },
    })
    const start = async (role: string, id: string, config: object) =>
      stack.use(await NodeProcess.start(role, { ...shared, node: { id }, ...config }, env))
    const pushOf = (id: string, line: string, own: object) =>
      start('push', id, {
        node: { id, line },
        feeds: FEEDS,
        push: { listen: { host: '127.0.0.1', port: 0 } },
        faults: { enabled: true },
        watchdog: { ...watchdog(id), ...own },
      })
    ;[push, silent, pulse] = await Promise.all([
      pushOf('push-a1', 'A', { probes: PROBES }),
      pushOf('push-b1', 'B', {}),
      start('pulse', 'pulse-1', { feeds: FEEDS, faults: { enabled: true }, watchdog: { ...watchdog('pulse-1'), probes: PROBES } }),
    ])
    await Promise.all([push, silent].map((node) => node.line(({ code }) => code === 'ready')))
    gateway = await start('gateway', 'gw-1', { gateway: { listen: { host: office?.outerHost ?? '127.0.0.1', port: 0 } } })
    await Promise.all(['push-a1', 'push-b1'].map((id) => gateway.line(({ code, msg }) => code === 'link_open' && msg.includes(id))))
    balancer = await start('balancer', 'lb-1', {
      balancer: { listen: { host: '127.0.0.1', port: 0 } },
      watchdog: { ...watchdog('lb-1'), probes: PROBES },
    })
  })

  after(() => stack.disposeAsync())

  const debug = (node: string, question: string, ...rest: readonly string[]): Promise<CommandResult> =>
    runCommand(['debug', node, question, '--via', `ws://${office?.outerHost ?? '127.0.0.1'}:${gateway.port}`, ...rest], {
      env,
      within: office?.within ?? [],
      cwd: directory,
    })

  const order = async (node: NodeProcess, fault: string) => {
    const { port } = await node.line(({ code }) => code === 'faults_enabled')
    const response = await fetch(`http://127.0.0.1:${port}/v1/faults/${fault}`, { method: 'POST' })
    assert.equal(response.status, 202)
  }

  const assertWhole = (file: string): void => {
    const snapshot = JSON.parse(readFileSync(join(directory, file), 'utf8'))
    assert.equal(snapshot.nodes.length, snapshot.snapshot.node_count * snapshot.snapshot.meta.node_fields.length)
    assert.ok(snapshot.strings.length > 1000)
  }

  test('a pulse writer, to which no connection leads, is asked over its watchdog; a balancer over its probe', async () => {
    await balancer.line(({ code }) => code === 'ready')
    for (const node of [pulse, balancer]) {
      const id = node === pulse ? 'pulse-1' : 'lb-1'
      const { code, stdout, stderr } = await debug(id, 'stacks', '--seconds', '0.3')
      assert.deepEqual([code, stderr], [0, ''], id)
      assert.match(stdout, /event loop late by/)
      assert.match(stdout, /main thread: idle [\d.]+ %/)
      assert.doesNotMatch(stdout, /blocked/)
      const asked = node === pulse ? `asks the watchdog of ${id} for stacks` : `asks ${id} for stacks`
      assert.ok(node.lines.some((line) => line.code === 'asked' && line.msg.endsWith(asked)))
    }
    const heap = await debug('pulse-1', 'heap', '-o', 'pulse.heapsnapshot')
    assert.equal(heap.code, 0, heap.stderr)
    assertWhole('pulse.heapsnapshot')
    const refused = await debug('pulse-1', 'heap', '--limit-mb', '1')
    assert.match(refused.stderr, /ask_failed: the heap holds \d+ MB/)
  })

  test('where the node is blocked in JavaScript, with what it has open, and its report', async () => {
    await order(push, 'leak?section=intake%20quote')
    await order(push, `block?ms=${BLOCKED_MS}`)
    await push.line(({ code }) => code === 'event_loop_blocked')
    const stacks = await debug('push-a1', 'stacks')
    assert.deepEqual([stacks.code, stacks.stderr], [0, ''])
    assert.match(stacks.stdout, /its event loop has been blocked for/)
    assert.match(stacks.stdout, /faultSpins \(.*faults\.ts:\d+:\d+\)/)
    // By now the gateway has given up its link.
    await gateway.line(({ code, msg }) => /^link_(lost|removed)$/.test(code) && msg.includes('push-a1'))
    const stages = await debug('push-a1', 'stages')
    assert.deepEqual([stages.code, stages.stderr], [0, ''])
    assert.match(stages.stdout, /stage intake quote: busy for .* — past its deadline/)
    assert.match(stages.stdout, /held for .* by a fault that was ordered/)
    const report = await debug('push-a1', 'report', '-o', 'own.report.json')
    assert.equal(report.code, 0, report.stderr)
    assert.match(report.stdout, /bytes from .*\nwritten at .*: blocked: the event loop has been blocked/)
    const { reason, stack: frames } = JSON.parse(readFileSync(join(directory, 'own.report.json'), 'utf8'))
    assert.equal(reason, 'blocked')
    assert.ok(frames.some((frame: string) => frame.startsWith('faultSpins')))
    assert.ok(push.lines.some((line) => line.code === 'asked' && line['by'] === 'watchdog'))
    const cpu = await debug('push-a1', 'cpu', '--seconds', '0.5', '-o', 'blocked.cpuprofile')
    assert.equal(cpu.code, 0, cpu.stderr)
    const { nodes, samples } = JSON.parse(readFileSync(join(directory, 'blocked.cpuprofile'), 'utf8'))
    const idsOf = (name: string): number[] =>
      nodes.flatMap(({ id, callFrame }: { id: number; callFrame: { functionName: string } }) =>
        callFrame.functionName === name ? [id] : [],
      )
    assert.ok(samples.length > 100, String(samples.length))
    assert.ok(samples.some((id: number) => idsOf('faultSpins').includes(id)))
    assert.ok(!samples.some((id: number) => idsOf('(idle)').includes(id)))
    const heap = await debug('push-a1', 'heap', '-o', 'blocked.heapsnapshot')
    assert.equal(heap.code, 0, heap.stderr)
    assertWhole('blocked.heapsnapshot')
  })

  test('nobody is answered without proof, or with one that was used', async () => {
    const { port } = await push.line(({ code }) => code === 'probes')
    const url = `http://127.0.0.1:${port}/v1/ask`
    const put = async (body: object) => fetch(url, { method: 'POST', body: JSON.stringify(body) })
    const { nonce } = (await (await fetch(url)).json()) as { nonce: string }
    const question = { question: 'stages', args: {}, who: 'nobody' }
    assert.equal((await put({ ...question, nonce, proof: 'no proof' })).status, 403)
    assert.equal((await put({})).status, 404)
    await push.line(({ code }) => code === 'ask_unproven')
    assert.ok([...push.lines, ...gateway.lines].every((line) => !JSON.stringify(line).includes(SECRET)))
  })

  test('where the node is blocked in native code, that is said, and neither profile nor snapshot comes', async () => {
    await order(pulse, `block-native?ms=${BLOCKED_MS}`)
    await pulse.line(({ code }) => code === 'event_loop_blocked')
    for (const [question, what] of [
      ['cpu', 'profile'],
      ['heap', 'snapshot'],
    ] as const) {
      const { code, stderr } = await debug('pulse-1', question, '--seconds', '0.2')
      assert.equal(code, 1)
      assert.match(stderr, new RegExp(`ask_no_answer: .*blocked for \\d+ ms in native code or a system call, where V8 gives no ${what}`))
    }
  })

  test('where its watchdog has no socket, the answer says where the report is', async () => {
    await order(silent, `block-native?ms=${BLOCKED_MS}`)
    await silent.line(({ code }) => code === 'event_loop_blocked')
    const { code, stderr } = await debug('push-b1', 'stacks')
    assert.equal(code, 1)
    assert.match(stderr, /push-b1.*(said nothing|no link)/)
    assert.match(stderr, /report_written/)
    await silent.line((line) => line.code === 'report_written')
  })
})
