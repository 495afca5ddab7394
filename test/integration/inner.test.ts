/** Push nodes let in only nodes of their installation: real processes, with and without the inner secret. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runCommand } from '../support/command.ts'
import { NodeProcess } from '../support/node-process.ts'

const [OLD, NEW, OTHER] = ['an old secret of the test', 'a new secret of the test', 'another secret, of nobody here']
const OPERATOR_SECRET = 'operators of the inner test'

describe('the inner secret', { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack()
  let push: NodeProcess

  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pulsewire-inner-'))
    stack.defer(() => rmSync(directory, { recursive: true, force: true }))
    const secretFile = join(directory, 'inner')
    writeFileSync(secretFile, `${NEW}\n${OLD}\n`)
    push = stack.use(
      await NodeProcess.start(
        'push',
        {
          node: { id: 'push-a1' },
          log: { kind: 'embedded' },
          feeds: [{ name: 'quote', topic: 'quotes' }],
          push: { listen: { host: '127.0.0.1', port: 0 } },
          inner: { secretFile },
          watchdog: { probes: { enabled: true, listen: { port: 0 } } },
        },
        { PULSEWIRE_OPERATOR_SECRET: OPERATOR_SECRET },
      ),
    )
    await push.line(({ code }) => code === 'ready')
  })

  after(() => stack.disposeAsync())

  function startGateway(id: string, secret?: string): Promise<NodeProcess> {
    const gateway = { listen: { host: '127.0.0.1', port: 0 }, upstreams: [{ line: 'A', addresses: [push.url] }] }
    return NodeProcess.start('gateway', { node: { id }, gateway }, secret === undefined ? {} : { PULSEWIRE_INNER_SECRET: secret })
  }

  test('a gateway with the new one and one with the old one are let in, so that one can take the place of the other', async () => {
    for (const [id, secret] of [
      ['gw-new', NEW],
      ['gw-old', OLD],
    ] as const) {
      await using gateway = await startGateway(id, secret)
      await gateway.line(({ code }) => code === 'link_open')
    }
  })

  test('one without it, or with another, is refused: both ends name it, and it is counted', async () => {
    for (const [id, secret, code] of [
      ['gw-none', undefined, 'token_missing'],
      ['gw-other', OTHER, 'token_secret'],
    ] as const) {
      await using gateway = await startGateway(id, secret)
      const refused = await push.line((line) => line.code === 'gateway_refused' && line.msg.startsWith(`${id}/`))
      assert.equal(refused.level, 'warn')
      assert.equal(refused['reason'], code)
      await gateway.line((line) => line.code === 'link_waiting' && line.msg.includes(code))
    }
    const port = push.lines.find(({ code }) => code === 'probes')?.['port']
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    for (const code of ['token_missing', 'token_secret'])
      assert.match(metrics, new RegExp(`pulsewire_tokens_denied_total\\{.*code="${code}".*\\} [1-9]`))
  })

  test('an operator asks it by the operator secret alone', async () => {
    const { code, stdout, stderr } = await runCommand(['debug', 'push-a1', 'stages', '--via', push.url], {
      env: { PULSEWIRE_OPERATOR_SECRET: OPERATOR_SECRET },
    })
    assert.deepEqual([code, stderr], [0, ''])
    assert.notEqual(stdout, '')
  })

  test('no secret is in any log', () => {
    const all = [...push.lines.map((line) => JSON.stringify(line)), ...push.noise]
    for (const secret of [OLD, NEW, OTHER, OPERATOR_SECRET]) for (const line of all) assert.ok(!line.includes(secret), line)
  })
})
