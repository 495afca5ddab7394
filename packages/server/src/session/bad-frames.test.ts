import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sender } from '../../../../test/support/sender.ts'

function errorsOf(messages: readonly string[]) {
  const receiver = new Sender().connect()
  receiver.take()
  for (const message of messages) receiver.sendRaw(message)
  return { receiver, errors: receiver.takeOf('error') }
}

const BAD: readonly (readonly [message: string, code: string, says: RegExp, id?: number])[] = [
  ['{', 'bad_frame', /not JSON/],
  ['null', 'bad_frame', /object/],
  ['7', 'bad_frame', /object/],
  ['{"no":"t"}', 'bad_frame', /member t/],
  ['{"t":"constructor"}', 'unknown_frame', /"constructor"/],
  [`{"t":"${'x'.repeat(500)}"}`, 'unknown_frame', /x…/],
  ['{"t":"subscribe","feed":"quote"}', 'bad_frame', /subscribe\.id/],
  ['{"t":"subscribe","id":0,"feed":"quote"}', 'bad_frame', /subscribe\.id/, 0],
  ['{"t":"subscribe","id":3,"feed":"quote","maxRate":0.01}', 'bad_frame', /maxRate/, 3],
  ['{"t":"subscribe","id":3,"feed":"quote","maxRate":1001}', 'bad_frame', /maxRate/, 3],
  ['{"t":"subscribe","id":3,"feed":"quote","history":0}', 'bad_frame', /history/, 3],
  ['{"t":"subscribe","id":3,"feed":"quote","symbols":"A"}', 'bad_frame', /symbols/, 3],
  ['{"t":"subscribe","id":3,"feed":"quote","symbols":[7]}', 'bad_frame', /symbols\.0/, 3],
  ['{"t":"unsubscribe"}', 'bad_frame', /unsubscribe\.id/],
  ['{"t":"sync","at":"now"}', 'bad_frame', /sync\.at/],
  ['{"t":"ack","pulse":-1,"count":0,"digest":0}', 'bad_frame', /ack\.pulse/],
  ['{"t":"hello","client":"again"}', 'bad_frame', /already/],
]

for (const [message, code, says, id] of BAD) {
  test(`${message.slice(0, 60)} is answered with ${code}`, () => {
    const { errors, receiver } = errorsOf([message])
    assert.equal(errors.length, 1)
    assert.equal(errors[0]?.code, code)
    assert.match(errors[0].message, says)
    assert.equal(errors[0].id, id)
    assert.ok(errors[0].message.length < 300)
    assert.equal(receiver.transport.closedWith, undefined, 'the session goes on')
  })
}

test('the fourth bad frame in a row closes with 4004; a good one between starts the count anew, an ack does not', () => {
  const bad = '{"t":"nonsense"}'
  const sync = '{"t":"sync","at":1}'
  assert.equal(errorsOf([bad, bad, bad]).receiver.transport.closedWith, undefined)
  assert.equal(errorsOf([bad, bad, bad, sync, bad, bad, bad]).receiver.transport.closedWith, undefined)
  assert.equal(errorsOf([bad, bad, bad, bad]).receiver.transport.closedWith?.code, 4004)
  assert.equal(errorsOf([bad, bad, bad, '{"t":"ack","mark":1}', bad]).receiver.transport.closedWith?.code, 4004)
  const hello = '{"t":"hello","client":"again"}'
  assert.equal(errorsOf([hello, hello, hello, hello]).receiver.transport.closedWith?.code, 4004)
})

test('bad frames in one message are told one by one, and the good ones among them are done', () => {
  const { errors, receiver } = errorsOf(['[{"t":"nonsense"},{"t":"sync","at":1},7]'])
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['unknown_frame', 'bad_frame'],
  )
  assert.equal(receiver.transport.closedWith, undefined)
})

test('members that are not known are ignored', () => {
  const { errors, receiver } = errorsOf(['{"t":"subscribe","id":1,"feed":"quote","symbols":["A"],"future":true}'])
  assert.deepEqual(errors, [])
  assert.equal(receiver.digest.count, 1)
})

test('subscribes that are refused as a whole are no broken frames: an app that names a wrong feed is not cut', () => {
  const subscribe = '{"t":"subscribe","id":1,"feed":"nowhere","symbols":["A"]}'
  const { errors, receiver } = errorsOf(Array.from({ length: 10 }, () => subscribe))
  assert.deepEqual(new Set(errors.map(({ code }) => code)), new Set(['feed_unknown']))
  assert.equal(receiver.transport.closedWith, undefined)
})
