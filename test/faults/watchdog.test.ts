/** A real process that is stuck is found by its own watchdog: named, unready, written down, ended with a code that says why. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { exitCode } from '@pulsewire/server'
import { freePorts } from '../support/kafka-files.ts'
import { NodeProcess } from '../support/node-process.ts'

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
/** From the fault to the end of the process. */
const STUCK_END_MS = 15_000
const BLOCKED_END_MS = 10_000
const STUCK_UNREADY_MS = 3000

let directory: string

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'pulsewire-watchdog-'))
})

after(() => rmSync(directory, { recursive: true, force: true }))

interface Report {
  readonly reason: string
  readonly stage: string
  readonly holder: string | null
  readonly stack: readonly string[] | null
  readonly stages: readonly {
    readonly stage: string
    readonly holders: readonly { readonly holder: string; readonly at: readonly string[] }[]
  }[]
  readonly account: { readonly memory: { readonly heapUsed: number }; readonly resources: Record<string, number> } | null
  readonly config: string
}

interface Broken {
  readonly node: NodeProcess
  /** Orders a fault. @returns when it was ordered. */
  readonly order: (fault: string) => Promise<number>
  readonly probe: (path: string) => Promise<{ readonly status: number; readonly text: string }>
  readonly reports: () => Report[]
  readonly reportsDirectory: string
}

async function start(name: string, watchdog: object = {}, env: Readonly<Record<string, string>> = {}): Promise<Broken> {
  const reportsDirectory = join(directory, name)
  const node = await NodeProcess.start(
    'all',
    {
      node: { id: name },
      log: {
        kind: 'embedded',
        ...(env['PULSEWIRE_LOG_SASL_PASSWORD'] === undefined ? {} : { sasl: { mechanism: 'PLAIN', username: 'u' } }),
      },
      feeds: [{ name: 'quote', topic: 'quotes' }],
      push: { listen: { host: '127.0.0.1', port: 0 } },
      gateway: { listen: { host: '127.0.0.1', port: 0 }, upstreams: [{ line: 'A', addresses: ['ws://127.0.0.1:9'] }] },
      faults: { enabled: true },
      watchdog: { reports: { directory: reportsDirectory }, probes: { enabled: true, listen: { port: 0 } }, ...watchdog },
    },
    env,
  )
  const port = async (code: string): Promise<number> => Number((await node.line((line) => line.code === code))['port'])
  // From then on the event loop is watched.
  await node.line(({ code }) => code === 'process_ready')
  const [faultsPort, probesPort] = [await port('faults_enabled'), await port('probes')]
  return {
    node,
    reportsDirectory,
    order: async (fault) => {
      const response = await fetch(`http://127.0.0.1:${faultsPort}/v1/faults/${fault}`, { method: 'POST' })
      assert.equal(response.status, 202, await response.text())
      return performance.now()
    },
    probe: async (path) => {
      const response = await fetch(`http://127.0.0.1:${probesPort}${path}`)
      return { status: response.status, text: await response.text() }
    },
    reports: () => readdirSync(reportsDirectory).map((file) => JSON.parse(readFileSync(join(reportsDirectory, file), 'utf8')) as Report),
  }
}

async function exited({ child }: NodeProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

async function pushPort(node: NodeProcess): Promise<number> {
  return Number((await node.line(({ code, msg }) => code === 'listening' && msg.startsWith('push node')))['port'])
}

test('a leaked exclusive section: stage and holder are named, the node goes unready, a report is written, the process ends', async (t) => {
  const broken = await start('leaked')
  await using node = broken.node
  const port = await pushPort(node)
  assert.equal((await fetch(`http://127.0.0.1:${port}/ready`)).status, 200)
  const orderedAtMs = await broken.order('leak?section=intake%20quote')
  const line = await node.line(({ code }) => code === 'stage_stuck')
  const namedMs = performance.now() - orderedAtMs
  assert.match(line.msg, /stage intake quote .* held by a fault that was ordered/)
  for (const answer of [
    await fetch(`http://127.0.0.1:${port}/ready`).then(async (r) => ({ status: r.status, text: await r.text() })),
    await broken.probe('/ready'),
  ]) {
    assert.equal(answer.status, 503)
    assert.match(answer.text, /stage intake quote is past its deadline: busy for \d+ ms, held by a fault that was ordered/)
  }
  // The process turns: it is alive, and it is for its own watchdog to end it.
  assert.equal((await fetch(`http://127.0.0.1:${port}/live`)).status, 200)
  assert.equal((await broken.probe('/live')).status, 200)
  await exited(node)
  const endedMs = performance.now() - orderedAtMs
  t.diagnostic(`named after ${Math.round(namedMs)} ms, ended after ${Math.round(endedMs)} ms`)
  assert.equal(node.child.exitCode, exitCode('stuck'), node.describe())
  assert.ok(namedMs <= STUCK_UNREADY_MS, `named after ${namedMs} ms`)
  assert.ok(endedMs <= STUCK_END_MS, `ended after ${endedMs} ms`)
  const [report] = broken.reports()
  assert.equal(report!.reason, 'stuck')
  assert.equal(report!.holder, 'a fault that was ordered')
  const stage = report!.stages.find((other) => other.stage === 'intake quote')!
  assert.match(stage.holders[0]!.at.join('\n'), /faults\.ts/)
  assert.ok(report!.account!.memory.heapUsed > 0)
  assert.match(report!.config, /topic: quotes/)
  const [file] = readdirSync(broken.reportsDirectory)
  assert.equal(statSync(join(broken.reportsDirectory, file!)).mode & 0o777, 0o600)
})

test('a blocked event loop: the report holds the stack, probes and metrics say so meanwhile, the process ends', async (t) => {
  const broken = await start('blocked')
  await using node = broken.node
  const before = await broken.probe('/metrics')
  assert.match(before.text, /^pulsewire_ready\{role="push",node="blocked-gateway"\} [01]$/m)
  assert.match(before.text, /^pulsewire_main_thread_answers\{node="blocked-gateway"\} 1$/m)
  assert.match(before.text, /^pulsewire_overdue\{node="blocked-gateway"\} 0$/m)
  const orderedAtMs = await broken.order('block?ms=60000')
  const line = await node.line(({ code }) => code === 'event_loop_blocked')
  const namedMs = performance.now() - orderedAtMs
  assert.match(line.msg, /faultSpins/)
  const live = await broken.probe('/live')
  assert.equal(live.status, 503)
  assert.match(live.text, /event loop has been blocked .* at faultSpins/)
  const meanwhile = await broken.probe('/metrics')
  assert.match(meanwhile.text, /^pulsewire_main_thread_answers\{node="blocked-gateway"\} 0$/m)
  assert.match(meanwhile.text, /^pulsewire_overdue\{node="blocked-gateway"\} 1$/m)
  assert.doesNotMatch(meanwhile.text, /pulsewire_ready/)
  await exited(node)
  const endedMs = performance.now() - orderedAtMs
  t.diagnostic(`named after ${Math.round(namedMs)} ms, ended after ${Math.round(endedMs)} ms`)
  assert.equal(node.child.exitCode, exitCode('blocked'), node.describe())
  assert.ok(endedMs <= BLOCKED_END_MS, `ended after ${endedMs} ms`)
  const [report] = broken.reports()
  assert.equal(report!.reason, 'blocked')
  // The innermost frame may be one of Node's own, a look at the clock.
  const innermost = report!.stack!.find((frame) => !frame.includes('(node:'))
  assert.match(innermost!, /^faultSpins \(.*faults\.ts:\d+:\d+\)$/)
  assert.ok(report!.account!.memory.heapUsed > 0)
})

test('an event loop that hangs in native code cannot be looked at, and the process ends all the same', async () => {
  const broken = await start('native')
  await using node = broken.node
  const orderedAtMs = await broken.order('block-native?ms=600000')
  const line = await node.line(({ code }) => code === 'event_loop_blocked')
  assert.match(line.msg, /in native code or a system call/)
  await exited(node)
  assert.equal(node.child.signalCode, 'SIGABRT', node.describe())
  assert.ok(performance.now() - orderedAtMs <= BLOCKED_END_MS)
  const [report] = broken.reports()
  assert.equal(report!.stack, null)
  assert.ok(report!.stages.some(({ stage }) => stage === 'flush'))
})

test('an event loop that comes back is said to have come back, and nothing ends', async () => {
  const broken = await start('slow', { loopDeadlineMs: 500, loopExitAfterMs: 30_000 })
  await using node = broken.node
  await broken.order('block?ms=3000')
  await node.line(({ code }) => code === 'event_loop_blocked')
  await node.line(({ code }) => code === 'stage_recovered')
  assert.equal((await broken.probe('/live')).status, 200)
  assert.equal(await node.stop('SIGTERM'), 0, node.describe())
})

test('a process that was stopped for 20 s and goes on is not taken for stuck', async () => {
  const broken = await start('stopped')
  await using node = broken.node
  node.signal('SIGSTOP')
  await sleep(20_000)
  node.signal('SIGCONT')
  // Longer than any deadline from here on, in time in which the process runs.
  await sleep(6000)
  assert.equal((await broken.probe('/live')).status, 200)
  assert.deepEqual(
    node.lines.filter(({ code }) => code === 'event_loop_blocked' || code === 'stage_stuck'),
    [],
  )
  assert.equal(await node.stop('SIGTERM'), 0)
})

test('a consumer that hangs when it is to be replaced is found as well', async () => {
  const broken = await start('consumer')
  await using node = broken.node
  await broken.order('stop-consuming')
  const line = await node.line(({ code }) => code === 'stage_stuck', 30_000)
  assert.match(line.msg, /stage consume quote .* held by closing the silent reader of quotes/)
  await exited(node)
  assert.equal(node.child.exitCode, exitCode('stuck'))
})

function msBetween(node: NodeProcess, first: string, second: string): number {
  const at = (code: string) => Date.parse(String(node.lines.find((line) => line.code === code)?.['time']))
  return at(second) - at(first)
}

/** Receivers that subscribe to much and take nothing, until the node refuses. */
async function overcrowd(port: number, until: () => boolean): Promise<{ closed: string[]; refused: number }> {
  const closed: string[] = []
  let refused = 0
  // Few enough that the heap grows more slowly than the watchdog looks at it, also where opening a session takes no time.
  const symbols = Array.from({ length: 1000 }, (_, i) => `S${i}.US`)
  const sockets: WebSocket[] = []
  while (!until()) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`, ['pulsewire.json.v1'])
    const opened = await new Promise<boolean>((resolve) => {
      socket.onopen = () => resolve(true)
      socket.onerror = () => resolve(false)
    })
    if (!opened) {
      refused++
      await sleep(100)
      continue
    }
    sockets.push(socket)
    socket.onclose = ({ code, reason }) => closed.push(`${code} ${reason}`)
    // No pulses: whoever does not acknowledge them would be cut for that, and a slow machine would never come to be full.
    socket.send(JSON.stringify({ t: 'hello', client: 'crowd', pulseIntervalMs: 600_000 }))
    socket.send(JSON.stringify({ t: 'subscribe', id: 1, feed: 'quote', symbols }))
    await sleep(20)
  }
  for (const socket of sockets) socket.close()
  return { closed, refused }
}

test('a small heap: no new sessions are taken, sessions are cut with a reason, the process lives', async (t) => {
  const broken = await start('heap', {}, { NODE_OPTIONS: '--max-old-space-size=80' })
  await using node = broken.node
  const port = await pushPort(node)
  const has = (code: string) => node.lines.some((line) => line.code === code)
  let checks = 0
  const { closed, refused } = await overcrowd(port, () => (has('sessions_shed') && has('memory_relieved')) || ++checks > 2000)
  assert.ok(has('memory_short'), node.describe())
  assert.ok(has('memory_relieved'), node.describe())
  assert.ok(refused > 0)
  assert.ok(closed.length > 0)
  assert.ok(
    closed.some((reason) => /^(4100 overloaded|4101 slow_consumer): the heap takes \d+ of \d+ MiB$/.test(reason)),
    closed.join('\n'),
  )
  t.diagnostic(`${closed.length} cut, ${refused} refused; relieved after ${msBetween(node, 'memory_short', 'memory_relieved')} ms`)
  assert.equal(node.child.exitCode, null)
  assert.equal((await broken.probe('/live')).status, 200)
  assert.equal(await node.stop('SIGTERM'), 0, node.describe())
})

test('memory that nobody can free: reports before the end, and V8 does not end it silently', async () => {
  const broken = await start('full-heap', {}, { NODE_OPTIONS: '--max-old-space-size=80', PULSEWIRE_LOG_SASL_PASSWORD: 'never-to-be-seen' })
  await using node = broken.node
  while (node.child.exitCode === null && node.child.signalCode === null) {
    await broken.order('fill?bytes=400000').catch(() => {})
    await sleep(50)
  }
  assert.equal(node.child.signalCode, 'SIGABRT')
  assert.ok(
    node.lines.some(({ code }) => code === 'memory_critical'),
    node.describe(),
  )
  const files = readdirSync(broken.reportsDirectory)
  assert.ok(
    files.some((file) => file.includes('-memory-')),
    files.join(),
  )
  assert.ok(
    files.some((file) => file.includes('-fatal-')),
    files.join(),
  )
  const fatal = readFileSync(join(broken.reportsDirectory, files.find((file) => file.includes('-fatal-'))!), 'utf8')
  for (const text of [fatal, JSON.stringify(broken.reports())]) assert.ok(!text.includes('never-to-be-seen'))
})

/** A file system of 64 KiB. Needs root, and a kernel that lets it mount; elsewhere a device that is always full stands in. */
function smallDisk(name: string): { readonly path: string; readonly release: () => void } | undefined {
  const path = join(directory, name)
  mkdirSync(path, { mode: 0o700 })
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', path]).status !== 0) return undefined
  return { path, release: () => spawnSync('umount', ['-l', path]) }
}

test('a full disk: the node serves on, lost reports and log lines are counted', async () => {
  const disk = smallDisk('disk')
  const logFile = disk === undefined ? '/dev/full' : join(disk.path, 'log')
  const reportsDirectory = disk === undefined ? '/dev/full/reports' : join(disk.path, 'reports')
  const stderr = openSync(logFile, 'a')
  const [faultsPort, gatewayPort, probesPort, pushPort] = await freePorts(4)
  const config = {
    node: { id: 'full-disk' },
    log: { kind: 'embedded' },
    feeds: [{ name: 'quote', topic: 'quotes' }],
    push: { listen: { host: '127.0.0.1', port: pushPort } },
    gateway: { listen: { host: '127.0.0.1', port: gatewayPort }, upstreams: [{ line: 'A', addresses: ['ws://127.0.0.1:9'] }] },
    faults: { enabled: true, listen: { port: faultsPort } },
    logging: { level: 'debug' },
    watchdog: {
      loopDeadlineMs: 500,
      loopExitAfterMs: 60_000,
      reports: { directory: reportsDirectory },
      probes: { enabled: true, listen: { port: probesPort } },
    },
  }
  const file = join(directory, 'full-disk.yaml')
  writeFileSync(file, JSON.stringify(config))
  const child = spawn(process.execPath, [MAIN, 'all', '--config', file], { stdio: ['ignore', 'ignore', stderr] })
  try {
    const answers = async (port: number, path: string) => (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined))?.status
    while ((await answers(gatewayPort!, '/live')) !== 200) {
      assert.equal(child.exitCode, null)
      await sleep(50)
    }
    if (disk !== undefined) fillUp(join(disk.path, 'filler'))
    // Each session that comes and goes is a line; the blocked loop is a report.
    for (let i = 0; i < 100; i++) await comeAndGo(pushPort!)
    await fetch(`http://127.0.0.1:${faultsPort}/v1/faults/block?ms=1500`, { method: 'POST' })
    await sleep(100)
    while ((await answers(probesPort!, '/live')) !== 503) await sleep(20)
    while ((await answers(gatewayPort!, '/live')) !== 200) await sleep(50)
    assert.equal(child.exitCode, null)
    if (disk !== undefined) {
      rmSync(join(disk.path, 'filler'))
      child.kill('SIGTERM')
      await once(child, 'exit')
      const lines = readFileSync(logFile, 'utf8')
      assert.match(lines, /"code":"log_lines_dropped","lines":\d+,"msg":"\d+ log lines were lost: ENOSPC"/)
      assert.equal(readdirSync(reportsDirectory).length, 0)
    }
  } finally {
    child.kill('SIGKILL')
    closeSync(stderr)
    disk?.release()
  }
})

/** A receiver that breaks the protocol at once. */
async function comeAndGo(port: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`, ['pulsewire.json.v1'])
  socket.onopen = () => socket.send('no hello')
  await new Promise<void>((resolve) => {
    socket.onclose = () => resolve()
  })
}

function fillUp(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(512))
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  } finally {
    closeSync(file)
  }
}
