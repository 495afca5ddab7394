import assert from 'node:assert/strict'
import { CLOSE_CODES, encodeUpstreamFor, ENCODINGS, type Encoding, type UpstreamFrame } from '@pulsewire/protocol'
import { recordedUpstream } from '../../../packages/protocol/src/test-support/recorded-session.ts'
import { Sender } from '../../support/sender.ts'
import { bytesOf, type Input } from '../engine/input.ts'
import type { Target } from '../engine/target.ts'
import { messageOf } from './from-receivers.ts'

/** How a receiver that sends rubbish may be closed; nothing else may come of it. */
const CLOSE_CODES_OF_RUBBISH: readonly number[] = [
  1000,
  CLOSE_CODES.protocol_error[0],
  CLOSE_CODES.too_many_errors[0],
  CLOSE_CODES.message_flood[0],
]

/** A hostile client against a node: everything it sends, in order, while quotes flow to it and to somebody else. */
export const sessions: readonly Target[] = ENCODINGS.map((encoding) => ({
  name: `session of a hostile client, ${encoding}`,
  weight: 1,
  seeds: seeds(encoding),
  run: (input) => check(encoding, input),
}))

function seeds(encoding: Encoding): Input[] {
  const encode = (frame: UpstreamFrame) => bytesOf(encodeUpstreamFor(encoding)(frame))
  const frames = recordedUpstream().filter(({ t }) => t !== 'bye')
  const hello = frames[0]!
  const orderly: UpstreamFrame[] = [
    hello,
    { t: 'subscribe', id: 1, feed: 'quote', symbols: ['A', 'B'], fields: ['last'], maxRate: 10 },
    { t: 'subscribe', id: 2, feed: 'trade', symbols: ['A'], from: { A: '1:0:1' }, history: 5 },
    { t: 'ack', pulse: 1, count: 3, digest: 0 },
    { t: 'subscribe', id: 3, feed: 'quote', patterns: ['*'], groups: ['tech'] },
    { t: 'sync', at: 1 },
    { t: 'ack', mark: 1 },
    { t: 'unsubscribe', id: 1, symbols: ['A'] },
    { t: 'unsubscribe', id: 3 },
    { t: 'bye' },
  ]
  return [orderly.map(encode), ...frames.slice(1).map((frame) => [encode(hello), encode(frame)])]
}

function check(encoding: Encoding, input: Input): void {
  const node = new Sender({
    feeds: [{}, { name: 'trade', mode: 'every' }],
    groups: { tech: ['A', 'C'] },
    session: { messagesPerSecondMax: 100, subscriptionsMax: 20 },
  })
  for (const [feed, name] of [
    ['quote', 'A'],
    ['trade', 'A'],
    ['trade', 'A'],
  ] as const)
    node.record(name, { last: 1 }, { feed })
  const other = node.connect({ encoding })
  other.subscribe(['A'])
  const hostile = node.connectSilently({ encoding })
  hostile.transport.onSend = () => {}
  for (const message of input) {
    hostile.sendRaw(messageOf(encoding, message))
    node.record('A', { last: 2 })
    node.pulse()
    node.clock.advance(20)
  }
  const { code, reason } = hostile.closed
  if (code !== 0) {
    assert.ok(CLOSE_CODES_OF_RUBBISH.includes(code), `closed with ${code}: ${reason}`)
    assert.ok(reason.length > 0)
  }
  assert.deepEqual(
    node.log.lines.filter(({ level }) => level === 'error'),
    [],
  )
  checkLeftBehind(node, hostile)
  other.take()
  node.record('A', { last: 3 })
  assert.deepEqual(
    other.takeOf('update').map(({ values }) => values),
    [{ last: 3 }],
    'the other client is served as before',
  )
  assert.equal(other.closed.code, 0)
}

/** When it has gone, nothing is kept of it. */
function checkLeftBehind(node: Sender, hostile: { disconnect(): void }): void {
  hostile.disconnect()
  node.clock.advance(20)
  assert.equal(node.sessions.size, 1)
  for (const feed of node.hub.feeds) {
    const wanted = [...feed.symbols.values()].flatMap(({ name, entries }) => entries.map(() => name))
    assert.deepEqual(wanted, feed.name === 'quote' ? ['A'] : [], `subscriptions of ${feed.name} that nobody has`)
  }
}
