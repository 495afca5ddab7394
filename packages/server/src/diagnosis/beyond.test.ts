/** A node that says nothing is asked over its watchdog's own socket: by a real HTTP server, with a proof for each question. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import type { AskFrame, ToldFrame } from '@pulsewire/protocol'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { Secret } from '../runtime/config/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { AskServer, WATCHDOG_ASK_PATH } from '../runtime/watchdog/ask-server.ts'
import type { OwnAnswer } from '../runtime/watchdog/thread-answers.ts'
import { joinDesks } from './beside.ts'
import { askWatchdog } from './beyond.ts'
import { AskDesk } from './desk.ts'
import { prove } from './proof.ts'

const SECRET = new Secret('a secret of the test')
const STACKS = { question: 'stacks', args: {}, who: 'jo@desk-7' }
const wanted = new AbortController().signal

async function watchdog(options: { readonly secret?: Secret; readonly own?: OwnAnswer } = {}) {
  const { secret = SECRET, own = { text: 'where it stands' } } = options
  const clock = new ManualClock()
  const logger = createMemoryLogger()
  const asked: string[] = []
  const given: string[] = []
  const answer = async (question: string, _: object, whole: Promise<void>) => {
    asked.push(question)
    void whole.then(() => given.push(question))
    return own
  }
  const asks = new AskServer({ node: 'push-a1', secret, clock, logger, answer })
  const server = createServer((request, response) => asks.handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { clock, logger, asked, given, address, [Symbol.asyncDispose]: close }
}

/** A gateway's desk, one of a push node that says nothing, and an operator at the gateway. */
function gatewayBefore(silent: 'push-a1', address: string | undefined) {
  const clock = new ManualClock()
  const logger = createMemoryLogger()
  const end = Promise.withResolvers<ToldFrame>()
  let text = ''
  const desk = new AskDesk({ node: 'gw-1', secret: SECRET, clock, logger, watchdogOf: (node) => (node === silent ? address : undefined) })
  const other = new AskDesk({ node: silent, secret: SECRET, clock, logger })
  joinDesks(desk, other, clock)
  clock.turn()
  other.frame = () => {}
  let id = 0
  const operator = {
    askNonce: 'nonce-of-the-operator',
    askedFrom: '192.0.2.7:1234',
    ask(frame: AskFrame | ToldFrame): void {
      if (frame.t !== 'told') return
      text += frame.chunk ?? ''
      if (frame.seq !== undefined) clock.soon(() => desk.frame(operator, { t: 'ask', id: frame.id, ack: frame.seq! }))
      if (frame.last === true) end.resolve(frame)
    },
  }
  const put = (question: string, path: readonly string[]): void => {
    const whole = { id: ++id, path, question, args: {}, who: 'jo@desk-7' }
    desk.frame(operator, { t: 'ask', ...whole, proof: prove(SECRET, operator.askNonce, whole) })
  }
  /** Lets time pass until the answer has come: beside it, a real socket answers in its own time. */
  const answered = async (): Promise<{ readonly text: string; readonly end: ToldFrame }> => {
    let told: ToldFrame | undefined
    void end.promise.then((frame) => (told = frame))
    for (; told === undefined; ) await clock.pass(10)
    return { text, end: told }
  }
  return { put, answered, logger }
}

describe('a node that says nothing', () => {
  test('is answered for by its watchdog, in its name', async () => {
    await using dog = await watchdog()
    const { put, answered } = gatewayBefore('push-a1', dog.address)
    put('stacks', ['push-a1'])
    const { text, end } = await answered()
    assert.deepEqual([text, end.node, end.code], ['where it stands', 'push-a1', undefined])
    assert.deepEqual(dog.asked, ['stacks'])
    assert.deepEqual(
      dog.logger.lines.map(({ code, message }) => [code, message]),
      [['asked', 'jo@desk-7 asks the watchdog of push-a1 for stacks']],
    )
  })

  test('is named, with where its reports are, when its watchdog is not known', async () => {
    const { put, answered } = gatewayBefore('push-a1', undefined)
    put('stacks', ['push-a1'])
    const { end } = await answered()
    assert.equal(end.code, 'ask_no_answer')
    assert.match(end.message ?? '', /push-a1 is linked to gw-1 but has said nothing for 2000 ms: .*report_written/)
  })

  test('is named, with its watchdog, when that is gone too', async () => {
    const dog = await watchdog()
    await dog[Symbol.asyncDispose]()
    const { put, answered } = gatewayBefore('push-a1', dog.address)
    put('report', ['push-a1'])
    const { end } = await answered()
    assert.equal(end.code, 'ask_no_answer')
    assert.match(end.message ?? '', /has said nothing for 2000 ms: .*; its watchdog at http.* cannot be asked either: .*ECONNREFUSED/)
  })

  test('is called stopped when its watchdog says nothing either', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    try {
      const address = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
      const failed = await askWatchdog(address, SECRET, { question: 'stages', args: {}, who: 'jo' }, new AbortController().signal).then(
        () => undefined,
        (error: Error) => error.message,
      )
      assert.match(failed ?? '', /its watchdog at http.* says nothing either: its process is stopped \(SIGSTOP/)
    } finally {
      silent.closeAllConnections()
      silent.close()
    }
  })

  test('is not asked for what a watchdog does not have', async () => {
    await using dog = await watchdog()
    const { put, answered } = gatewayBefore('push-a1', dog.address)
    put('links', ['push-a1'])
    assert.equal((await answered()).end.code, 'ask_no_answer')
    assert.deepEqual(dog.asked, [])
  })
})

describe('a watchdog', () => {
  test('gives a long answer as it comes, and knows when it has gone out', async () => {
    const heap = new Readable({ read() {} })
    await using dog = await watchdog({ own: { stream: heap } })
    const parts = (await askWatchdog(dog.address, SECRET, { ...STACKS, question: 'heap' }, wanted))[Symbol.asyncIterator]()
    for (const part of ['{"snapshot":', '{}}']) {
      heap.push(part)
      assert.deepEqual(await parts.next(), { done: false, value: part })
      assert.deepEqual(dog.given, [])
    }
    heap.push(null)
    assert.equal((await parts.next()).done, true)
    assert.deepEqual(dog.given, ['heap'])
  })

  test('that is gone before the end of its answer is said to be', async () => {
    const heap = new Readable({ read() {} })
    await using dog = await watchdog({ own: { stream: heap } })
    const answer = await askWatchdog(dog.address, SECRET, { ...STACKS, question: 'heap' }, wanted)
    heap.push('{"snap')
    setImmediate(() => heap.destroy(new Error('the process ended')))
    await assert.rejects(textOf(answer), { code: 'ask_link_lost' })
  })

  test('answers nobody with another secret, and says no more than that', async () => {
    await using dog = await watchdog({ secret: new Secret('another secret, as long') })
    await assert.rejects(askWatchdog(dog.address, SECRET, STACKS, wanted), { code: 'ask_unproven' })
    assert.deepEqual([dog.asked, dog.logger.lines.map(({ code }) => code)], [[], ['ask_unproven']])
  })

  test('takes each proof once, and not long after it gave its nonce', async () => {
    await using dog = await watchdog()
    const url = dog.address + WATCHDOG_ASK_PATH
    const offer = async (): Promise<string> => ((await (await fetch(url)).json()) as { nonce: string }).nonce
    const put = async (nonce: string) => {
      const proof = prove(SECRET, nonce, { id: 1, path: [], ...STACKS })
      return (await fetch(url, { method: 'POST', body: JSON.stringify({ ...STACKS, nonce, proof }) })).status
    }
    const nonce = await offer()
    assert.deepEqual([await put(nonce), await put(nonce), await put('one of my own')], [200, 403, 403])
    const late = await offer()
    dog.clock.advance(11_000)
    assert.equal(await put(late), 403)
    const flooded = await offer()
    for (let i = 0; i < 64; i++) await offer()
    assert.equal(await put(flooded), 403, 'nonces that are out are bounded')
  })

  test('takes so many questions and no more', async () => {
    await using dog = await watchdog()
    const all = await Promise.allSettled(Array.from({ length: 12 }, () => askWatchdog(dog.address, SECRET, STACKS, wanted)))
    const refused = all.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
    assert.deepEqual([refused, dog.asked.length], [['ask_too_many', 'ask_too_many'], 10])
    dog.clock.advance(1000)
    assert.equal(await textOf(await askWatchdog(dog.address, SECRET, STACKS, wanted)), 'where it stands')
  })

  test('refuses what is no question, and one without end', async () => {
    await using dog = await watchdog()
    const url = dog.address + WATCHDOG_ASK_PATH
    const put = async (body: string) => (await fetch(url, { method: 'POST', body })).status
    assert.deepEqual(
      [await put('{'), await put('null'), await put('{"nonce":1}'), await put(`"${'x'.repeat(20_000)}"`)],
      [500, 404, 404, 500],
    )
    assert.equal((await fetch(url, { method: 'DELETE' })).status, 405)
  })
})
