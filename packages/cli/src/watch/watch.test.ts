import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import {
  createEmbeddedLog,
  createGateway,
  createPulseWriter,
  createPushNode,
  loadConfig,
  type Service,
  silentLogger,
  splitAllConfig,
} from '@pulsewire/server'
import { anyPort } from '../demo/ports.ts'
import { watch, type WatchOptions } from './watch.ts'

let services: Service[] = []
let url = ''

before(async () => {
  const port = await anyPort()
  url = `ws://127.0.0.1:${port}`
  const log = createEmbeddedLog()
  log.createTopicNow('quotes', { partitions: 2 })
  const assignments = [
    'log.kind=embedded',
    'feeds=[{name: quote, topic: quotes}]',
    'push.delayedFeeds=[{name: quote-delayed, of: quote, delayMs: 1000}]',
    'push.listen.port=0',
    `gateway.listen.port=${port}`,
  ]
  const { push, gateway, pulse } = splitAllConfig(loadConfig('all', { assignments }))
  const logger = silentLogger
  const beside = createPushNode(push!, { log, logger })
  services = [createPulseWriter(pulse!, { log, logger }), beside, createGateway(gateway!, { logger, beside })]
  for (const service of services) await service.start(new AbortController().signal)
  log.appendNow('quotes', [{ key: 'AAPL.US', value: '{"last":187.23,"prevClose":180}' }])
})

after(async () => {
  for (const service of services.toReversed()) await service.close()
})

/** Runs `watch` and hands over its lines until one of them ends it. */
async function watchUntil(options: Partial<WatchOptions>, isEnough: (line: string, stop: () => void) => void) {
  const signals = new EventEmitter()
  const stdout = new PassThrough()
  const errors: string[] = []
  const lines: string[] = []
  createInterface({ input: stdout }).on('line', (line) => {
    lines.push(line)
    isEnough(line, () => signals.emit('SIGINT'))
  })
  const all: WatchOptions = {
    urls: [url],
    balancers: [],
    feed: 'quote',
    symbols: ['AAPL.US'],
    patterns: [],
    groups: [],
    format: 'json',
    ...options,
  }
  const code = await watch(all, { stdout, stderr: { write: (text: string) => errors.push(text) }, signals })
  assert.equal(signals.listenerCount('SIGINT'), 0)
  return { code, lines, errors }
}

describe('watch', () => {
  it('prints one JSON object per update and per change of state, and ends with 0 on Ctrl-C', async () => {
    const seen = new Set<string>()
    const { code, lines } = await watchUntil({}, (line, stop) => {
      const { type, state } = JSON.parse(line) as { type: string; state: string }
      seen.add(type === 'state' ? state : type)
      if (seen.has('update') && seen.has('live')) stop()
    })
    assert.equal(code, 0)
    const update = lines.map((line) => JSON.parse(line) as Record<string, unknown>).find(({ type }) => type === 'update')
    assert.equal(update?.['symbol'], 'AAPL.US')
    assert.deepEqual(update?.['values'], { last: 187.23, prevClose: 180 })
  })

  it('prints plain lines', async () => {
    const { lines } = await watchUntil({ format: 'lines', fields: ['last'] }, (line, stop) => line.endsWith('last=187.23') && stop())
    assert.ok(
      lines.some((line) => /^\d\d:\d\d:\d\d\.\d{3} AAPL\.US last=187\.23$/.test(line)),
      lines.join('\n'),
    )
  })

  it('says of what is delayed by how much', async () => {
    const options = { feed: 'quote-delayed', format: 'lines' } as const
    const isUpdate = (line: string) => / AAPL\.US last=187\.23 prevClose=180 \(delayed 1\.0 s\)$/.test(line)
    const isLive = (line: string) => / AAPL\.US live, delayed 1\.0 s$/.test(line)
    const seen: string[] = []
    const { code } = await watchUntil(options, (line, stop) => {
      seen.push(line)
      if (seen.some(isUpdate) && seen.some(isLive)) stop()
    })
    assert.equal(code, 0)
    const told = new Map<string, unknown>()
    await watchUntil({ feed: 'quote-delayed' }, (line, stop) => {
      const { type, state, delayMs } = JSON.parse(line) as { type: string; state: string; delayMs: unknown }
      if (type === 'update' || state === 'live') told.set(type, delayMs)
      if (told.size === 2) stop()
    })
    assert.deepEqual(Object.fromEntries(told), { update: 1000, state: 1000 })
  })

  it('ends with 1 and the reason when everything is refused', async () => {
    const { code, errors } = await watchUntil({ feed: 'nope' }, () => {})
    assert.equal(code, 1)
    assert.match(errors.join(''), /feed_unknown/)
  })

  it('ends with 0 when its reader goes away', async () => {
    const stdout = new PassThrough()
    stdout.once('data', () => stdout.destroy())
    const options: WatchOptions = {
      urls: [url],
      balancers: [],
      feed: 'quote',
      symbols: ['AAPL.US'],
      patterns: [],
      groups: [],
      format: 'lines',
    }
    assert.equal(await watch(options, { stdout, stderr: { write() {} }, signals: new EventEmitter() }), 0)
  })
})
