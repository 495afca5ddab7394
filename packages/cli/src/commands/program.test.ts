import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const MAIN = join(import.meta.dirname, '../main.ts')
const EXAMPLES = join(import.meta.dirname, '../../../../examples')

function pulsewire(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = { env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env }, timeout: 60_000 }
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
}

// Each starts processes of its own; most of their time is loading.
describe('pulsewire', { concurrency: true }, () => {
  it('lists its commands and exit codes', async () => {
    const { code, stdout } = await pulsewire(['--help'])
    assert.equal(code, 0)
    for (const command of ['push', 'gateway', 'balancer', 'pulse', 'all', 'demo', 'watch', 'verdicts', 'produce', 'config', 'version'])
      assert.match(stdout, new RegExp(`^ {2}${command}\\b`, 'm'))
    assert.match(stdout, /Exit codes:\n {2}0 /)
  })

  it('ends quietly when whoever reads has seen enough', async () => {
    const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let complaint = ''
    child.stderr.on('data', (chunk) => (complaint += chunk))
    const [code] = await once(child, 'close')
    assert.deepEqual([code, complaint], [0, ''])
  })

  it('ends with 2 and every mistake when the configuration is wrong', async () => {
    const { code, stderr } = await pulsewire(['gateway', '--port', 'x', '-s', 'gateway.listen.hst=a'])
    assert.equal(code, 2)
    assert.match(stderr, /has 3 mistake\(s\)/)
    assert.match(stderr, /gateway\.listen\.hst: unknown key, did you mean host\?/)
  })

  it('ends with 2 when the command line is wrong', async () => {
    for (const args of [
      ['gatway'],
      ['watch'],
      ['produce', '-t', 'quotes'],
      ['all', '--roles', 'push,pull'],
      ['watch', 'A', '--max-rate', 'x'],
      ['debug', 'push-a1', 'heap', '--format', 'pprof'],
      ['debug', 'push-a1', 'cpu', '--format', 'flame'],
      ['trace', '--symbol', 'A', '--via', 'gw-1'],
      ['sessions', '--user', 'jo', '--balancer', 'lb-1:8070'],
      ['status', '--balancer', 'ws://lb-1:8070'],
      ['verdicts', '--balancer', 'lb-1'],
      ['doctor', '--gateway', 'http://gw-1'],
    ]) {
      const { code, stderr } = await pulsewire(args)
      assert.equal(code, 2, args.join(' '))
      assert.match(stderr, /error: /)
    }
  })

  it('ends with 2 and what to give where a secret or Kafka is not given, or cannot be read', async () => {
    for (const [args, env, expected] of [
      [['trace', '--symbol', 'A'], {}, /operator secret is missing, expected --secret-file/],
      [['trace', '--symbol', 'A', '--secret-file', '/nowhere/secret'], {}, /the file \/nowhere\/secret cannot be read \(ENOENT\)/],
      [['debug', 'gw-1', 'stages'], { PULSEWIRE_OPERATOR_SECRET_FILE: '/nowhere' }, /the file \/nowhere cannot be read/],
      [['nodes'], {}, /^nothing says where Kafka is\n {2}log\.brokers: missing, expected --brokers kafka-1:9092, or --config/],
      [['sessions', '--user', 'jo', '--topic', 't'], { PULSEWIRE_OPERATOR_SECRET: 'x'.repeat(32) }, /^nothing says where Kafka is/],
    ] as const) {
      const { code, stderr } = await pulsewire(args, env)
      assert.match(stderr, expected)
      assert.equal(code, 2, args.join(' '))
    }
  })

  it('prints and checks the configuration of every role', async () => {
    for (const role of ['push', 'gateway', 'balancer', 'pulse', 'all']) {
      const { code, stdout } = await pulsewire(['config', 'print', role, '-c', join(EXAMPLES, `${role}.yaml`), '--node-id', 'n-1'])
      assert.equal(code, 0)
      assert.match(stdout, /id: n-1/)
    }
  })

  it('shows no secret', async () => {
    const env = { PULSEWIRE_LOG_SASL_MECHANISM: 'PLAIN', PULSEWIRE_LOG_SASL_USERNAME: 'u', PULSEWIRE_LOG_SASL_PASSWORD: 'hunter2' }
    const { stdout, stderr } = await pulsewire(['config', 'print', 'push', '-c', join(EXAMPLES, 'push.yaml')], env)
    assert.match(stdout, /password: "\[redacted\]"/)
    assert.ok(!(stdout + stderr).includes('hunter2'))
  })
})
