import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { smallTopology } from '../../../../../test/support/topologies.ts'
import { createMemoryLogger } from '../../runtime/logger.ts'
import type { TopologyEvent } from '../topology/index.ts'
import { type Api, ApiServer } from './server.ts'
import { BLOCKED_MS_MAX, BUFFER_BYTES_MAX, HEARTBEAT_MS, STREAMS_MAX, STREAMS_PER_ADDRESS_MAX } from './streams.ts'

const STARTED_AT_MS = 77

/** A balancer's API that knows what a test tells it, on a real port. */
async function serve(messageChars = 10) {
  const clock = new ManualClock()
  const logger = createMemoryLogger()
  const events: TopologyEvent[] = []
  const topology = { ...smallTopology(), balancer: 'x'.repeat(messageChars) }
  const api = {
    topology: () => topology,
    events: (since: number) => {
      const told = events.filter(({ id }) => since > events.length || id > since)
      return { balancer: 'lb-1', startedAtMs: STARTED_AT_MS, atMs: 0, events: told, last: events.length }
    },
    ready: () => true,
  } as Partial<Api> as Api
  const options = { host: '127.0.0.1', port: 0, origins: ['*'], requestsPerSecondMax: 1000, logger, clock, api }
  const server = await ApiServer.make({ ...options, audience: 'everybody' })
  await server.listen()
  const tell = (message: string) =>
    events.push({ id: events.length + 1, atMs: 0, kind: 'word', tone: 'plain', message: message.padEnd(messageChars, '.') })
  return { server, clock, logger, tell, [Symbol.asyncDispose]: () => server.close() }
}

interface Reader {
  readonly response: IncomingMessage
  /** Messages so far: each with its lines by name; comments under ''. */
  readonly messages: Readonly<Record<string, string>>[]
  until(holds: () => boolean): Promise<void>
}

function read(port: number, path: string, options: { headers?: Record<string, string>; localAddress?: string } = {}): Promise<Reader> {
  const { promise, resolve, reject } = Promise.withResolvers<Reader>()
  get({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
    const messages: Record<string, string>[] = []
    let text = ''
    response.on('error', () => {})
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      for (const block of blocks)
        messages.push(Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string])))
    })
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds()) await once(response, 'data')
    }
    resolve({ response, messages, until })
  }).once('error', reject)
  return promise
}

/** The numbers of the events that were told. */
function told({ messages }: Reader): number[] {
  return messages
    .filter(({ event }) => event === 'events')
    .flatMap(({ data }) => (JSON.parse(data!) as { events: { id: number }[] }).events.map(({ id }) => id))
}

describe('the stream of events', { timeout: 60_000 }, () => {
  it('tells what there is, then what happens, and the topology to who wants it', async () => {
    await using served = await serve()
    const { server, clock, tell } = served
    tell('before')
    const reader = await read(server.port, '/v1/stream?topology=true', { headers: { origin: 'https://a.example.com' } })
    assert.deepEqual([reader.response.statusCode, reader.response.headers['content-type']], [200, 'text/event-stream'])
    assert.deepEqual([reader.response.headers['cache-control'], reader.response.headers['access-control-allow-origin']], ['no-store', '*'])
    await reader.until(() => reader.messages.some(({ event }) => event === 'topology'))
    assert.deepEqual(told(reader), [1])
    tell('after')
    await clock.pass(250)
    await reader.until(() => told(reader).length === 2)
    assert.equal(reader.messages.at(-1)!['id'], `${STARTED_AT_MS}:2`)
    const plain = await read(server.port, '/v1/stream')
    await plain.until(() => told(plain).length === 2)
    const topologies = () => reader.messages.filter(({ event }) => event === 'topology').length
    const before = topologies()
    for (let i = 0; i < 4; i++) await clock.pass(250)
    await reader.until(() => topologies() > before)
    assert.equal(plain.messages.filter(({ event }) => event === 'topology').length, 0)
    plain.response.destroy()
    reader.response.destroy()
  })

  it('goes on after the event that a reader knows, and begins anew where another balancer counted', async () => {
    await using served = await serve()
    const { server, tell } = served
    for (const message of ['a', 'b', 'c']) tell(message)
    const first = async (path: string, id?: string) => {
      const reader = await read(server.port, path, id === undefined ? {} : { headers: { 'last-event-id': id } })
      await reader.until(() => reader.messages.some(({ event }) => event === 'events'))
      reader.response.destroy()
      return told(reader)
    }
    assert.deepEqual(await first('/v1/stream', `${STARTED_AT_MS}:2`), [3])
    assert.deepEqual(await first('/v1/stream', `${STARTED_AT_MS}:3`), [])
    assert.deepEqual(await first(`/v1/stream?since=${STARTED_AT_MS}:1`), [2, 3])
    assert.deepEqual(await first(`/v1/stream?since=${STARTED_AT_MS}:1`, `${STARTED_AT_MS}:2`), [3], 'the header outranks')
    assert.deepEqual(await first('/v1/stream', `${STARTED_AT_MS + 1}:2`), [1, 2, 3])
  })

  it('gives a sign of life where nothing happens', async () => {
    await using served = await serve()
    const reader = await read(served.server.port, '/v1/stream')
    await reader.until(() => reader.messages.some(({ event }) => event === 'events'))
    for (let waited = 0; waited < HEARTBEAT_MS; waited += 250) await served.clock.pass(250)
    await reader.until(() => reader.messages.some((message) => message[''] === 'alive'))
    reader.response.destroy()
  })

  it('refuses what is no place to go on from, and what it has not', async () => {
    await using served = await serve()
    const { server } = served
    for (const id of ['', 'x', '1', '1:', ':1', '1:2:3', '-1:2', '1:2 ', `1:${'9'.repeat(17)}`, '1:2\u00e9', 'x'.repeat(8000)]) {
      const answer = await server.inject({ url: '/v1/stream', headers: { 'last-event-id': id } })
      assert.deepEqual([answer.statusCode, answer.json().code], [400, 'query_invalid'], id)
    }
    for (const query of ['since=7', 'since=', 'topology=yes', 'topolgy=true', 'since=1:2&since=1:3']) {
      assert.equal((await server.inject(`/v1/stream?${query}`)).statusCode, 400, query)
    }
    assert.equal((await server.inject({ url: '/v1/stream', method: 'POST' })).statusCode, 405)
    assert.equal((await server.inject({ url: '/v1/stream', method: 'HEAD' })).statusCode, 200)
  })

  it('has a bounded number of streams, in all and of one address, and takes others when one ends', async () => {
    await using served = await serve()
    const { server } = served
    const of = (localAddress: string) => read(server.port, '/v1/stream', { localAddress })
    const status = async (address: string) => {
      const reader = await of(address)
      reader.response.destroy()
      return reader.response.statusCode
    }
    const own = await Promise.all(Array.from({ length: STREAMS_PER_ADDRESS_MAX }, () => of('127.0.0.1')))
    assert.ok(own.every(({ response }) => response.statusCode === 200))
    const refused = await of('127.0.0.1')
    assert.deepEqual([refused.response.statusCode, refused.response.headers['retry-after']], [429, '1'])
    await Promise.all(Array.from({ length: STREAMS_MAX - STREAMS_PER_ADDRESS_MAX }, () => of('127.0.0.2')))
    assert.equal(await status('127.0.0.3'), 429)
    own[0]!.response.destroy()
    const last = await of('127.0.0.3')
    assert.equal(last.response.statusCode, 200)
  })

  it('cuts who reads nothing, in bounded memory, and nobody else notices', async () => {
    const chars = 400_000
    await using served = await serve(chars)
    const { server, clock, logger, tell } = served
    const hostile = connect(server.port, '127.0.0.1')
    await once(hostile, 'connect')
    hostile.pause()
    hostile.on('error', () => {})
    hostile.write('GET /v1/stream?topology=true HTTP/1.1\r\nhost: x\r\n\r\n')
    const reader = await read(server.port, '/v1/stream')
    let waits = 0
    const cut = () => logger.lines.find(({ code }) => code === 'stream_cut')
    for (let n = 1; cut() === undefined; n++) {
      assert.ok(n < 500, 'it is cut')
      tell(`event ${n}`)
      await clock.pass(250)
      await reader.until(() => told(reader).length === n)
      waits = Math.max(waits, Number(/(\d+) bytes wait/.exec(cut()?.message ?? '')?.[1] ?? 0))
    }
    // The topology takes about as much as an event here.
    assert.ok(waits > BUFFER_BYTES_MAX && waits <= BUFFER_BYTES_MAX + chars * 4, `${waits} bytes waited`)
    const before = told(reader).length
    tell('and on')
    await clock.pass(250)
    await reader.until(() => told(reader).length > before)
    reader.response.destroy()
    hostile.destroy()
  })

  it('does not cut a reader for a topology that is larger than what may wait, as long as it takes it', async () => {
    await using served = await serve(2 * BUFFER_BYTES_MAX)
    const { server, clock, logger } = served
    const reader = await read(server.port, '/v1/stream?topology=true')
    const topologies = () => reader.messages.filter(({ event }) => event === 'topology').length
    reader.response.pause()
    for (let i = 0; i < 8; i++) await clock.pass(250)
    reader.response.resume()
    await reader.until(() => topologies() > 0)
    assert.deepEqual(
      logger.lines.filter(({ code }) => code === 'stream_cut'),
      [],
    )
    reader.response.destroy()
  })

  it('cuts who takes nothing for long, however little waits', async () => {
    await using served = await serve(8_000_000)
    const { server, clock, logger } = served
    const hostile = connect(server.port, '127.0.0.1')
    await once(hostile, 'connect')
    hostile.pause()
    hostile.on('error', () => {})
    hostile.write('GET /v1/stream HTTP/1.1\r\nhost: x\r\n\r\n')
    const reader = await read(server.port, '/v1/stream')
    await reader.until(() => told(reader).length === 0 && reader.messages.length > 0)
    served.tell('one large event')
    for (let waited = 0; waited < BLOCKED_MS_MAX + 500; waited += 250) {
      await clock.pass(250)
      await turn()
    }
    await reader.until(() => told(reader).length === 1)
    assert.ok(logger.lines.some(({ code }) => code === 'stream_cut'))
    assert.equal(logger.lines.filter(({ code }) => code === 'stream_cut').length, 1)
    reader.response.destroy()
    hostile.destroy()
  })

  it('is not kept from closing by who takes nothing', async () => {
    const served = await serve(8_000_000)
    const hostile = connect(served.server.port, '127.0.0.1')
    await once(hostile, 'connect')
    hostile.pause()
    hostile.on('error', () => {})
    hostile.write('GET /v1/stream?topology=true HTTP/1.1\r\nhost: x\r\n\r\n')
    const reader = await read(served.server.port, '/v1/stream')
    await reader.until(() => reader.messages.length > 0)
    await served.server.close()
    // What reads is told the end, and ends well.
    await once(reader.response.resume(), 'end')
    hostile.destroy()
  })
})
