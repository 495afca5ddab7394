import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AskFrame, ToldFrame } from '@pulsewire/protocol'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { Secret } from '../runtime/config/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { AskError } from './answer.ts'
import { joinDesks } from './beside.ts'
import { CHUNK_BYTES_MAX, CHUNKS_IN_FLIGHT_MAX } from './chunks.ts'
import { AskDesk } from './desk.ts'
import type { AskPeer } from './peer.ts'
import { prove, type Question } from './proof.ts'

const SECRET = new Secret('a secret of the test')

/** An operator's connection to a desk, in memory. */
class Operator implements AskPeer {
  readonly askNonce = 'nonce-of-the-operator'
  readonly askedFrom = '192.0.2.7:1234'
  readonly told: ToldFrame[] = []
  /** Whether chunks are acknowledged as they come. */
  acks = true
  readonly #desk: AskDesk
  readonly #clock: ManualClock
  #id = 0

  constructor(desk: AskDesk, clock: ManualClock) {
    this.#desk = desk
    this.#clock = clock
  }

  ask(frame: AskFrame | ToldFrame): void {
    if (frame.t !== 'told') return
    this.told.push(frame)
    const { id, seq } = frame
    if (this.acks && seq !== undefined) this.#clock.soon(() => this.#desk.frame(this, { t: 'ask', id, ack: seq }))
  }

  put(what: Partial<Question> & { readonly proof?: string }, secret = SECRET): number {
    const { proof, ...rest } = what
    const question = { id: ++this.#id, path: [], question: 'links', args: {}, who: 'jo@desk-7', ...rest }
    this.#desk.frame(this, { t: 'ask', ...question, proof: proof ?? prove(secret, this.askNonce, question) })
    return question.id
  }

  /** What came in answer to the newest question, without the signs of life. */
  take(): { readonly text: string; readonly end: Pick<ToldFrame, 'node' | 'code' | 'message'> | undefined } {
    const frames = this.told.splice(0)
    const end = frames.find(({ last }) => last === true)
    return { text: frames.map(({ chunk }) => chunk ?? '').join(''), end }
  }
}

function world(...names: string[]) {
  const clock = new ManualClock()
  const logger = createMemoryLogger()
  const desks = names.map((node) => new AskDesk({ node, secret: SECRET, clock, logger }))
  for (const [i, desk] of desks.entries()) {
    desk.answers.set('links', () => `I am ${desk.node}`)
    if (i > 0) joinDesks(desks[i - 1]!, desk, clock)
  }
  clock.turn()
  const operator = new Operator(desks[0]!, clock)
  return { clock, logger, desks, operator, codes: () => logger.lines.map(({ code }) => code) }
}

describe('questions', () => {
  test('are answered by the node that is asked, over those between, and written down by each', async () => {
    const { clock, operator, logger } = world('gw-1', 'push-a1', 'gw-2')
    operator.put({ path: ['push-a1', 'gw-2'] })
    await clock.pass(10)
    const { text, end } = operator.take()
    assert.deepEqual([text, end?.node, end?.code], ['I am gw-2', 'gw-2', undefined])
    const audit = logger.lines.filter(({ code }) => code === 'asked')
    assert.deepEqual(
      audit.map(({ message }) => message),
      Array(3).fill('jo@desk-7 asks gw-2 for links'),
    )
    assert.equal(audit[0]!.fields['from'], '192.0.2.7:1234')
  })

  test('that a page asks again and again are one line in ten minutes, with how often; what costs something is a line each time', async () => {
    const { clock, operator, logger } = world('gw-1', 'push-a1')
    let read = 0
    const audit = () => {
      const fresh = logger.lines.slice(read)
      read = logger.lines.length
      return fresh.flatMap(({ code, message, fields }) => (code === 'asked' ? [[message, fields['more']]] : []))
    }
    for (let i = 0; i < 60; i++) {
      operator.put({ who: 'page', path: ['push-a1'] })
      await clock.pass(10_000)
    }
    const line = 'page asks push-a1 for links'
    assert.deepEqual(audit(), Array(2).fill([line, undefined]))
    operator.put({ who: 'page', path: ['push-a1'] })
    await clock.pass(10)
    const again = Array(2).fill([`${line}, 59 times more since it was said`, 59])
    assert.deepEqual(audit().sort(), [...again, ...Array(2).fill([line, undefined])].sort())
    operator.put({ who: 'another page', path: ['push-a1'] })
    operator.put({ who: 'page', path: ['push-a1'], args: { verbose: 'yes' } })
    for (let i = 0; i < 3; i++) operator.put({ who: 'page', question: 'heap' })
    await clock.pass(10)
    assert.deepEqual(
      audit().map(([message]) => message),
      [
        'another page asks push-a1 for links',
        line,
        ...Array(3).fill('page asks gw-1 for heap'),
        'another page asks push-a1 for links',
        line,
      ],
    )
  })

  test('go back up a link as well as down', async () => {
    const { clock, desks } = world('gw-1', 'push-a1')
    const operator = new Operator(desks[1]!, clock)
    operator.put({ path: ['gw-1'] })
    await clock.pass(10)
    assert.equal(operator.take().text, 'I am gw-1')
  })

  test('without proof are refused, the same however they are wrong, and after three of a connection none is read', async () => {
    const { clock, operator, codes } = world('gw-1')
    operator.put({}, new Secret('another secret, as long'))
    operator.put({ proof: '' })
    operator.put({
      id: 2,
      proof: prove(SECRET, 'the nonce of another connection', { id: 2, path: [], question: 'links', args: {}, who: '' }),
    })
    await clock.pass(10)
    assert.deepEqual(new Set(operator.told.map(({ code }) => code)), new Set(['ask_unproven']))
    assert.deepEqual(codes(), ['ask_unproven', 'ask_unproven', 'ask_unproven'])
    operator.put({ id: 9 })
    await clock.pass(10)
    assert.equal(operator.told.at(-1)?.code, 'ask_unproven')
  })

  test('said a second time are refused: a proof holds for one id of one connection', async () => {
    const { clock, operator } = world('gw-1')
    const id = operator.put({})
    await clock.pass(10)
    assert.equal(operator.take().text, 'I am gw-1')
    operator.put({ id })
    await clock.pass(10)
    assert.deepEqual([operator.take().end?.code], ['ask_unproven'])
  })

  test('with other arguments than were proven are refused', async () => {
    const { clock, operator } = world('gw-1')
    const proof = prove(SECRET, operator.askNonce, { id: 1, path: [], question: 'links', args: { seconds: '1' }, who: 'jo@desk-7' })
    operator.put({ args: { seconds: '100' }, proof })
    await clock.pass(10)
    assert.equal(operator.take().end?.code, 'ask_unproven')
  })

  test('beyond what a node takes in a second are refused, and taken again a second later', async () => {
    const { clock, operator } = world('gw-1')
    for (let i = 0; i < 300; i++) operator.put({})
    await clock.pass(10)
    const refused = operator.told.filter(({ code }) => code === 'ask_too_many').length
    assert.ok(refused >= 90 && refused < 300, String(refused))
    operator.take()
    await clock.pass(1000)
    operator.put({})
    await clock.pass(10)
    assert.equal(operator.take().text, 'I am gw-1')
  })

  test('that a node does not know are refused with those that it does', async () => {
    const { clock, operator } = world('gw-1')
    operator.put({ question: 'weather' })
    await clock.pass(10)
    assert.match(operator.take().end?.message ?? '', /it has links/)
  })

  test('whose answer fails say why', async () => {
    const { clock, operator, desks } = world('gw-1')
    desks[0]!.answers.set('links', () => {
      throw new AskError('ask_failed', 'no heap')
    })
    operator.put({})
    await clock.pass(10)
    assert.deepEqual([operator.told.at(-1)?.code, operator.told.at(-1)?.message], ['ask_failed', 'no heap'])
  })
})

describe('a node on the way', () => {
  test('that is not there is named', async () => {
    const { clock, operator } = world('gw-1', 'push-a1')
    operator.put({ path: ['push-b1'] })
    await clock.pass(10)
    assert.match(operator.take().end?.message ?? '', /gw-1 has no link to push-b1.*push-a1/)
  })

  test('that says nothing is named by the one before it, within 3 s, and everything is forgotten', async () => {
    const { clock, operator, desks } = world('gw-1', 'push-a1', 'gw-2')
    desks[2]!.frame = () => {}
    const timers = clock.timers
    operator.put({ path: ['push-a1', 'gw-2'] })
    await clock.pass(3000)
    const { end } = operator.take()
    assert.deepEqual([end?.node, end?.code], ['push-a1', 'ask_no_answer'])
    assert.match(end?.message ?? '', /gw-2 is linked to push-a1 but has said nothing for 2000 ms/)
    assert.equal(clock.timers, timers)
  })

  test('that works on the answer is waited for', async () => {
    const { clock, operator, desks } = world('gw-1', 'push-a1')
    const done = Promise.withResolvers<string>()
    desks[1]!.answers.set('cpu', () => done.promise)
    operator.put({ path: ['push-a1'], question: 'cpu' })
    await clock.pass(20_000)
    assert.equal(operator.take().end, undefined)
    done.resolve('a profile')
    await clock.pass(10)
    assert.equal(operator.take().text, 'a profile')
  })

  test('whose link is lost meanwhile is named', async () => {
    const { clock, operator, desks } = world('gw-1', 'push-a1')
    let peer: AskPeer | undefined
    const frame = desks[1]!.frame.bind(desks[1]!)
    desks[1]!.frame = (from, what) => frame((peer = from), what)
    desks[1]!.answers.set('cpu', () => new Promise(() => {}))
    const [gateway] = desks
    const met = gateway!.frame.bind(gateway!)
    let next: AskPeer | undefined
    gateway!.frame = (from, what) => {
      if (from !== operator) next = from
      met(from, what)
    }
    operator.put({ path: ['push-a1'], question: 'cpu' })
    await clock.pass(1000)
    assert.ok(peer !== undefined && next !== undefined)
    gateway!.lost(next)
    assert.equal(operator.take().end?.code, 'ask_link_lost')
    operator.put({ path: ['push-a1'] })
    assert.equal(operator.take().end?.code, 'ask_no_way')
  })
})

describe('long answers', () => {
  const long = 'a "line" with\n characters of every kind, 苹果 🍎.'.repeat(5000)

  test('come in chunks that fit, whole, over two hops', async () => {
    const { clock, operator, desks } = world('gw-1', 'push-a1')
    desks[1]!.answers.set('heap', () => long)
    operator.put({ path: ['push-a1'], question: 'heap' })
    await clock.pass(100)
    const chunks = operator.told.filter(({ chunk }) => chunk !== undefined)
    assert.ok(chunks.every(({ chunk }) => Buffer.byteLength(JSON.stringify(chunk)) <= CHUNK_BYTES_MAX))
    assert.deepEqual(
      chunks.map(({ seq }) => seq),
      chunks.map((_, i) => i + 1),
    )
    assert.ok(operator.take().text === long)
  })

  test('wait for the asker: no more than a few chunks are on their way, and who takes nothing is given up', async () => {
    const { clock, operator, desks } = world('gw-1', 'push-a1')
    operator.acks = false
    let ended = false
    desks[1]!.answers.set('heap', (_args, signal) => {
      signal.addEventListener('abort', () => (ended = true))
      return long
    })
    operator.put({ path: ['push-a1'], question: 'heap' })
    await clock.pass(5000)
    assert.equal(operator.told.filter(({ chunk }) => chunk !== undefined).length, CHUNKS_IN_FLIGHT_MAX)
    assert.equal(ended, false)
    await clock.pass(60_000)
    assert.equal(ended, true)
  })

  test('that stop the node begin only once the asker knows that they will', async () => {
    const { clock, operator, desks } = world('gw-1', 'push-a1')
    operator.acks = false
    let heard: ToldFrame[] = []
    desks[1]!.answers.set('heap', async (_args, _signal, begun) => {
      await begun()
      heard = [...operator.told]
      return long
    })
    const id = operator.put({ path: ['push-a1'], question: 'heap' })
    await clock.pass(100)
    assert.deepEqual([heard.length, operator.told.at(-1)?.chunk], [0, ''])
    operator.acks = true
    desks[0]!.frame(operator, { t: 'ask', id, ack: operator.told.at(-1)!.seq! })
    await clock.pass(100)
    assert.ok(heard.length > 0)
    assert.ok(operator.take().text === long)
  })

  test('end when the asker leaves', async () => {
    const { clock, operator, desks } = world('gw-1', 'push-a1')
    operator.acks = false
    let ended = false
    desks[1]!.answers.set('heap', (_args, signal) => {
      signal.addEventListener('abort', () => (ended = true))
      return long
    })
    operator.put({ path: ['push-a1'], question: 'heap' })
    await clock.pass(100)
    desks[0]!.lost(operator)
    await clock.pass(100)
    assert.equal(ended, true)
  })
})

test('nodes with different operator secrets say so and pass nothing on', async () => {
  const clock = new ManualClock()
  const logger = createMemoryLogger()
  const [a, b] = ['gw-1', 'push-a1'].map((node, i) => new AskDesk({ node, secret: new Secret(`secret number ${i}`), clock, logger }))
  joinDesks(a!, b!, clock)
  await clock.pass(10)
  const message = 'push-a1 has another operator secret than gw-1: no question gets from one to the other'
  assert.ok(logger.lines.some((line) => line.code === 'operator_secret_differs' && line.message === message))
  assert.deepEqual(b!.neighbours, [])
})
