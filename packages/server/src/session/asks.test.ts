import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ToldFrame } from '@pulsewire/protocol'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import type { Receiver, Seen } from '../../../../test/support/receiver.ts'
import { Sender } from '../../../../test/support/sender.ts'
import { AskDesk } from '../diagnosis/index.ts'
import { prove } from '../diagnosis/proof.ts'
import { Secret } from '../runtime/config/index.ts'
import { silentLogger } from '../runtime/logger.ts'

const SECRET = new Secret('a secret of the test')
/** As large as a heap snapshot of a node that has just begun. */
const LONG = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => ({ id: i, name: `"node ${i}"` })))

interface StartOptions {
  readonly latencyMs: number
  readonly bytesPerSecond?: number
  readonly messagesPerSecondMax?: number
}

function start({ messagesPerSecondMax = 0, ...options }: StartOptions) {
  const clock = new ManualClock()
  const desk = new AskDesk({ node: 'push-a1', secret: SECRET, clock, logger: silentLogger })
  desk.answers.set('heap', () => LONG)
  const sender = new Sender({
    clock,
    asks: desk,
    session: { pulseIntervalMs: 0, flushIntervalMs: 2, messageBytesMax: 1024 * 1024, messagesPerSecondMax },
  })
  const receiver = sender.connect({ encoding: 'pulsewire.bin.v1', pulseIntervalMs: 0, ...options })
  return { clock, sender, receiver }
}

function ask(receiver: Receiver, nonce: string): void {
  const question = { id: 1, path: [], question: 'heap', args: {}, who: 'test' }
  receiver.send({ t: 'ask', ...question, proof: prove(SECRET, nonce, question) })
}

/** Records for so long, one each 5 ms. @returns how old the newest record was at the receiver, at worst, and the answer's text. */
async function follow({ clock, sender, receiver }: ReturnType<typeof start>, ms: number) {
  let worstMs = 0
  let text = ''
  let isOver = false
  const sentAtMs: number[] = []
  for (let i = 0; i < ms / 5; i++) {
    sentAtMs.push(clock.nowMs())
    sender.record('A', { last: i })
    if (i % 100 === 0) sender.pulse()
    await clock.pass(5)
    const seen: Seen[] = receiver.peek()
    for (const frame of seen) {
      if (frame.t !== 'told') continue
      const { seq, chunk, last } = frame as ToldFrame
      text += chunk ?? ''
      isOver ||= last === true
      if (seq !== undefined) receiver.send({ t: 'ask', id: 1, ack: seq })
    }
    const held = Number(receiver.image('A')?.['last'] ?? 0)
    const waiting = sentAtMs[held + 1]
    if (waiting !== undefined) worstMs = Math.max(worstMs, clock.nowMs() - waiting)
  }
  return { worstMs, text, isOver }
}

describe('a session over which questions come', () => {
  test('offers a nonce in welcome, one for each session; without a desk it offers none and answers none', async () => {
    const { sender } = start({ latencyMs: 0 })
    const nonces = [sender.connect(), sender.connect()].map((receiver) => receiver.takeOf('welcome')[0]?.asks)
    assert.ok(nonces.every((nonce) => nonce !== undefined && nonce.length > 20) && nonces[0] !== nonces[1])
    const deaf = new Sender()
    const receiver = deaf.connect()
    assert.equal(receiver.takeOf('welcome')[0]?.asks, undefined)
    ask(receiver, '')
    assert.equal(receiver.takeOf('told')[0]?.code, 'ask_off')
  })

  test('may acknowledge a long answer as fast as it comes, and nothing beyond that', async () => {
    const world = start({ latencyMs: 1, messagesPerSecondMax: 20 })
    const nonce = world.receiver.takeOf('welcome')[0]!.asks!
    world.receiver.subscribe(['A'])
    ask(world.receiver, nonce)
    const { isOver, text } = await follow(world, 20_000)
    assert.ok(isOver && text === LONG, `${text.length} of ${LONG.length} characters came`)
    for (let i = 0; i < 500; i++) world.receiver.send({ t: 'ask', id: 1, ack: 1 })
    await world.clock.pass(100)
    assert.equal(world.receiver.takeOf('error')[0]?.code, 'message_flood')
  })

  for (const line of [{ latencyMs: 1 }, { latencyMs: 10, bytesPerSecond: 2_000_000 }]) {
    test(`has its quotes no later for an answer of megabytes beside them (${JSON.stringify(line)})`, async () => {
      const world = start(line)
      const nonce = world.receiver.takeOf('welcome')[0]!.asks!
      world.receiver.subscribe(['A'])
      await world.clock.pass(100)
      const alone = await follow(world, 2000)
      ask(world.receiver, nonce)
      const beside = await follow(world, 20_000)
      assert.ok(beside.isOver && beside.text === LONG, `${beside.text.length} of ${LONG.length} characters came`)
      // Three chunks in front of a quote, on a line that carries 2 KB in a millisecond.
      const chunksMs = line.bytesPerSecond === undefined ? 0 : 15
      assert.ok(beside.worstMs <= alone.worstMs + 5 + chunksMs, `${beside.worstMs} ms old, ${alone.worstMs} ms without`)
    })
  }
})
