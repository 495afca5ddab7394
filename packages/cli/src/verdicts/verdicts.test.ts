import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { VerdictRow, VerdictsAnswer } from '@pulsewire/server'
import { fetchVerdicts } from './fetch.ts'
import { verdictsTable } from './table.ts'

const AT_MS = 1_764_000_000_000

function row(node: string, rest: Partial<VerdictRow> = {}): VerdictRow {
  return {
    node,
    role: 'gateway',
    handedOut: true,
    degraded: false,
    sinceMs: AT_MS - 60_000,
    reasons: [],
    zone: 'sg-1',
    track: 'stable',
    version: '0.1.0',
    addresses: [`ws://${node}:8080`],
    word: 'online',
    lease: { state: 'live', incarnation: 1, beatAgeMs: 100, ready: true, draining: false },
    load: { sessions: 7, sessionsMax: 100, busy: 0 },
    probe: null,
    ...rest,
  }
}

const ANSWER: VerdictsAnswer = {
  balancer: 'lb-1',
  atMs: AT_MS,
  view: { state: 'degraded', sinceMs: AT_MS - 5000 },
  degraded: [{ track: 'stable', code: 'directory_degraded', message: 'nothing comes', sinceMs: AT_MS - 5000 }],
  verdicts: [
    row('push-a1', {
      role: 'push',
      line: 'A',
      handedOut: false,
      sinceMs: AT_MS - 3_600_000,
      reasons: [{ code: 'generation_retired', feed: 'quote', message: 'push-a1\u001b[2J is old', sinceMs: AT_MS - 4000 }],
    }),
    row('gw-2', { track: 'grey' }),
    row('gw-1', { degraded: true, reasons: [{ code: 'silent', message: 'nothing came', sinceMs: AT_MS - 2600 }] }),
  ],
}

describe('pulsewire verdicts', () => {
  it('shows a line per node, gateways first, with every reason and since when', () => {
    assert.deepEqual(
      verdictsTable(ANSWER, { colour: false })
        .split('\n')
        .map((line) => line.replaceAll(/ {2,}/g, ' | ')),
      [
        'track stable degraded for 5.0 s: nothing comes',
        'node | role | zone | used | since | load | pulse | why',
        'gw-1 0.1.0 | gateway | sg-1 | degraded | 1 min | 7/100 | silent (2.6 s): nothing came',
        'gw-2 0.1.0 | gateway | sg-1 grey | yes | 1 min | 7/100',
        'push-a1 0.1.0 | push | sg-1 A | no | 1 h | 7/100 | generation_retired (4.0 s): push-a1\\x1b[2J is old',
      ],
    )
  })

  it('says what is wrong when there is no balancer, or something else', async () => {
    await using server = await listen((_request, response) => response.writeHead(404).end('{"message":"not here"}'))
    await assert.rejects(fetchVerdicts(server.url), { code: 'balancer_answer', message: /not here/ })
    await using silent = await listen(() => {})
    await assert.rejects(fetchVerdicts(silent.url, AbortSignal.abort()), { code: 'balancer_unreachable' })
    const { url } = silent
    await silent[Symbol.asyncDispose]()
    await assert.rejects(fetchVerdicts(url), { code: 'balancer_unreachable', message: /is the address right\?/ })
    await using good = await listen((_request, response) => response.end(JSON.stringify(ANSWER)))
    assert.deepEqual(await fetchVerdicts(`${good.url}/`), ANSWER)
  })
})

async function listen(handler: RequestListener) {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
