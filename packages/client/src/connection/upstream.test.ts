import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, settled } from '../test-support/fake-clock.ts'
import { Upstream } from './upstream.ts'

type Answer = number | 'lost' | 'hangs'

function upstream(answers: Answer[] = [], bodyBytesMax = 1000) {
  const clock = new FakeClock()
  const requests: [url: string, body: string][] = []
  const broken: string[] = []
  const fetch = ((url: string, { body, signal }: { body: Uint8Array; signal: AbortSignal }) => {
    requests.push([url, new TextDecoder().decode(body)])
    const answer = answers.shift() ?? 204
    if (typeof answer === 'number') return Promise.resolve(new Response(null, { status: answer }))
    if (answer === 'lost') return Promise.reject(new TypeError('network error'))
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
  }) as typeof globalThis.fetch
  const up = new Upstream({ at: (number) => `/${number}`, bodyBytesMax, clock, fetch }, (why) => broken.push(why))
  return { clock, requests, broken, up }
}

test('what is said in one go is one request; the next waits until that was answered', async () => {
  const { up, requests } = upstream()
  up.send('a')
  up.send('b')
  await up.flushed
  up.send('c')
  await up.flushed
  assert.deepEqual(requests, [
    ['/1', 'a\nb\n'],
    ['/2', 'c\n'],
  ])
})

test('a body holds what it may, and at least one message', async () => {
  const { up, requests } = upstream([], 8)
  for (const message of ['äää', 'b', 'c', 'x'.repeat(20), 'd']) up.send(message)
  await up.flushed
  assert.deepEqual(
    requests.map(([, body]) => body),
    ['äää\n', 'b\nc\n', `${'x'.repeat(20)}\n`, 'd\n'],
  )
})

test('a request whose answer is lost, does not come, or tells of trouble on the way is made again under its number', async () => {
  for (const trouble of ['lost', 'hangs', 502, 429] as const) {
    const { up, requests, broken, clock } = upstream([trouble])
    up.send('a')
    await settled()
    up.send('b')
    await clock.advance(5_000)
    await up.flushed
    assert.deepEqual(
      requests,
      [
        ['/1', 'a\n'],
        ['/1', 'a\n'],
        ['/2', 'b\n'],
      ],
      String(trouble),
    )
    assert.deepEqual(broken, [])
  }
})

test('a session that is gone, and a way that takes nothing, are the end', async () => {
  const gone = upstream([404])
  gone.up.send('a')
  await gone.up.flushed
  assert.deepEqual([gone.requests.length, gone.broken], [1, ['what the client says does not arrive: 404']])
  const lost = upstream(['lost', 'lost', 'lost', 'lost'])
  lost.up.send('a')
  await lost.clock.advance(10_000)
  assert.deepEqual([lost.requests.length, lost.broken], [4, ['what the client says does not arrive: network error']])
  lost.up.send('b')
  await settled()
  assert.equal(lost.requests.length, 4)
})

test('what waits is bounded', async () => {
  const { up, broken } = upstream(['hangs'])
  for (let i = 0; i < 12; i++) up.send('x'.repeat(100_000))
  await settled()
  assert.deepEqual(broken, ['too much waits to be sent'])
})
