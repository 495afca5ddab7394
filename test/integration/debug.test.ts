/** Any node is asked over another one: across network namespaces, in which nothing but the nodes' own ports is open. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import { type CommandResult, runCommand } from '../support/command.ts'
import { canMakeNamespaces, NetworkNamespace } from '../support/network-namespace.ts'
import { NodeProcess } from '../support/node-process.ts'

const SECRET = 'a secret of the integration test'
const env = { PULSEWIRE_OPERATOR_SECRET: SECRET }
const PUSH_PORT = 7000
const FEEDS = [{ name: 'quote', topic: 'quotes' }]
/** Starting the command itself, on a crowded machine, beside the 3 s in which a frozen node has to be named. */
const COMMAND_MS_MAX = 20_000

// Where nobody may make namespaces there is nothing to test.
if (canMakeNamespaces()) {
  describe('pulsewire debug', { timeout: 240_000 }, () => {
    const stack = new AsyncDisposableStack()
    const directory = mkdtempSync(join(tmpdir(), 'pulsewire-debug-'))
    let core: NodeProcess
    let gateway: NodeProcess
    let office: NetworkNamespace
    let via: string
    let pushAddress: string

    before(async () => {
      stack.defer(() => rmSync(directory, { recursive: true, force: true }))
      const machine = stack.use(new NetworkNamespace())
      office = stack.use(new NetworkNamespace())
      pushAddress = `${machine.innerHost}:${PUSH_PORT}`
      const config = {
        node: { id: 'core' },
        log: { kind: 'embedded' },
        feeds: FEEDS,
        push: { listen: { host: machine.innerHost, port: PUSH_PORT } },
        watchdog: { reports: { directory: join(directory, 'reports') } },
      }
      core = stack.use(await NodeProcess.start('all', config, env, machine.within))
      await core.line(({ code }) => code === 'ready')
      const upstreams = [{ line: 'A', addresses: [`ws://${pushAddress}`] }]
      const listen = { host: office.outerHost, port: 0 }
      gateway = stack.use(await NodeProcess.start('gateway', { node: { id: 'gw-1' }, gateway: { listen, upstreams } }, env))
      await gateway.line(({ code }) => code === 'link_open')
      via = `ws://${office.outerHost}:${gateway.port}`
    })

    after(async () => {
      await stack.disposeAsync()
    })

    /** As an operator does in an office from which only gateways can be reached. */
    const debug = (node: string, question: string, ...rest: readonly string[]): Promise<CommandResult> =>
      runCommand(['debug', node, question, '--via', via, ...rest], { env, within: office.within, cwd: directory })

    test('a push node that cannot be reached from here is asked over a gateway', async () => {
      const direct = await runCommand(['debug', 'core-push', 'stages', '--via', `ws://${pushAddress}`], { env, within: office.within })
      assert.match(direct.stderr, /ask_no_answer: .*(ENETUNREACH|EHOSTUNREACH)/)
      const { code, stdout, stderr } = await debug('core-push', 'stages')
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /event loop late by/)
      assert.match(stdout, /stage flush: idle/)
      assert.ok(core.lines.some((line) => line.code === 'asked' && / asks core-push for stages$/.test(line.msg)))
      assert.ok(gateway.lines.some((line) => line.code === 'asked' && line['question'] === 'stages'))
    })

    test('so is a gateway that only the push node beside it knows', async () => {
      const { stdout } = await debug('core-gateway', 'links', '--json')
      assert.deepEqual(JSON.parse(stdout).node, 'core-gateway')
    })

    // Before the snapshot below, for which the watchdog of a slow machine may write one.
    test('a node of which nothing was ever stuck has no report, and says so', async () => {
      const { code, stderr } = await debug('core-push', 'report')
      assert.equal(code, 1)
      assert.match(stderr, /ask_failed: nothing of this node was ever stuck/)
    })

    test('its stacks name our own code; a CPU profile and a heap snapshot are files that Chrome opens, or pprof', async () => {
      const stacks = await debug('core-push', 'stacks', '--seconds', '0.3')
      assert.match(stacks.stdout, /main thread: idle [\d.]+ %/)
      const cpu = await debug('core-push', 'cpu', '--seconds', '0.5', '-o', 'own.cpuprofile')
      assert.match(cpu.stdout, /own\.cpuprofile: \d+ bytes from gw-1 → core-push/)
      const profile = JSON.parse(readFileSync(join(directory, 'own.cpuprofile'), 'utf8'))
      assert.ok(profile.nodes.length > 0 && profile.samples.length > 0 && profile.endTime > profile.startTime)
      const pprof = await debug('core-push', 'cpu', '--seconds', '0.5', '--format', 'pprof', '-o', 'own.pb.gz')
      assert.equal(pprof.code, 0, pprof.stderr)
      const { sample, durationNanos } = Profile.decode(gunzipSync(readFileSync(join(directory, 'own.pb.gz'))))
      const nanos = sample.reduce((sum, { value }) => sum + Number(value[1]), 0)
      assert.ok(Number(durationNanos) >= 500_000_000)
      assert.equal(nanos, Number(durationNanos))
      const heap = await debug('core-push', 'heap')
      assert.equal(heap.code, 0, heap.stderr)
      const file = readdirSync(directory).find((name) => name.endsWith('.heapsnapshot'))!
      assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600)
      const snapshot = JSON.parse(readFileSync(join(directory, file), 'utf8'))
      assert.equal(snapshot.nodes.length, snapshot.snapshot.node_count * snapshot.snapshot.meta.node_fields.length)
    })

    test('subscriptions name feeds and sessions', async () => {
      const { stdout } = await debug('core-push', 'subscriptions')
      const answer = JSON.parse(stdout)
      assert.equal(answer.feeds[0].feed, 'quote')
      assert.ok(answer.sessions.some((session: { client: string }) => session.client.startsWith('gw-1/')))
    })

    test('nothing but the nodes’ own ports is open', () => {
      const listening = spawnSync('ip', ['netns', 'exec', spaceOf(core), 'cat', '/proc/net/tcp'], { encoding: 'utf8' }).stdout
      const ports = listening
        .split('\n')
        .filter((line) => line.includes(' 0A '))
        .map((line) => Number.parseInt(line.trim().split(/\s+/)[1]!.split(':')[1]!, 16))
      assert.deepEqual(new Set(ports), new Set([PUSH_PORT, 8080]))
    })

    test('without the secret nobody is answered, and the attempt is written down', async () => {
      const { code, stderr } = await runCommand(['debug', 'core-push', 'stages', '--via', via], {
        env: { PULSEWIRE_OPERATOR_SECRET: 'another secret of that length' },
        within: office.within,
      })
      assert.equal(code, 1)
      assert.match(stderr, /ask_unproven/)
      await gateway.line((line) => line.code === 'ask_unproven')
      const none = await runCommand(['debug', 'core-push', 'stages', '--via', via], { env: { PULSEWIRE_OPERATOR_SECRET: '' } })
      assert.equal(none.code, 2)
      assert.match(none.stderr, /--secret-file or PULSEWIRE_OPERATOR_SECRET/)
      assert.ok([...core.lines, ...gateway.lines].every((line) => !JSON.stringify(line).includes(SECRET)))
    })

    test('a frozen node is named at once', async () => {
      core.signal('SIGSTOP')
      try {
        const { code, stderr, tookMs } = await debug('core-push', 'stacks')
        assert.equal(code, 1)
        assert.match(stderr, /core-push/)
        assert.match(stderr, /said nothing|was lost|no way to core-push/)
        assert.ok(tookMs < COMMAND_MS_MAX, `${tookMs} ms`)
      } finally {
        core.signal('SIGCONT')
      }
    })
  })
}

/** The namespace that a process runs in, by its name. */
function spaceOf({ child }: NodeProcess): string {
  return spawnSync('ip', ['netns', 'identify', String(child.pid)], { encoding: 'utf8' }).stdout.trim()
}
