/** What a receiver is told that may not see a feed, where another one shows it later. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Receiver } from '../../../../test/support/receiver.ts'
import { Sender } from '../../../../test/support/sender.ts'
import type { Access, Grant } from '../access/index.ts'
import { Entitlements, type FeedRules } from '../access/entitlements.ts'
import { NO_LIMITS } from '../access/grant.ts'

const FEEDS = [{ name: 'quote' }, { name: 'quote-delayed', delay: { of: 'quote', delayMs: 900_000 } }]
const INSTEAD = '; feed quote-delayed shows it with a delay of 900 s'

/** A token's text says what it gives. */
async function connect(given: FeedRules): Promise<Receiver> {
  const grantOf = async (token: string | undefined): Promise<Grant> => ({
    user: 'ann',
    tokenId: null,
    issuedAtMs: 0,
    expiresAtMs: Infinity,
    entitlements: new Entitlements([JSON.parse(token!) as FeedRules]),
    limits: NO_LIMITS,
  })
  const access = {
    ready: true,
    refreshAheadMs: 1000,
    revision: 0,
    nowMs: () => 0,
    admit: grantOf,
    renew: (_before: Grant, token: string) => grantOf(token),
    objection: () => undefined,
    enter: () => true,
    leave() {},
  }
  const receiver = new Sender({ feeds: FEEDS, access: access as unknown as Access }).connectSilently()
  await say(receiver, { t: 'hello', client: 'test', token: JSON.stringify(given) })
  return receiver
}

async function say(receiver: Receiver, frame: Parameters<Receiver['send']>[0]): Promise<void> {
  receiver.send(frame)
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

function refusals(receiver: Receiver): string[] {
  return receiver.takeOf('subscribed').flatMap(({ refused = [] }) => refused.map(([name, code, message]) => `${name} ${code} ${message}`))
}

test('who has the delayed feed alone is told of it, for names and patterns', async () => {
  const receiver = await connect({ 'quote-delayed': ['*'] })
  receiver.send({ t: 'subscribe', id: 1, feed: 'quote', symbols: ['A'], patterns: ['*'] })
  const why = 'the token does not give access to it'
  assert.deepEqual(refusals(receiver), [`A not_entitled ${why}${INSTEAD}`, `* not_entitled ${why}${INSTEAD}`])
  receiver.send({ t: 'subscribe', id: 2, feed: 'quote-delayed', symbols: ['A'] })
  assert.deepEqual(refusals(receiver), [])
})

test('who has neither is not sent from one to the other', async () => {
  const receiver = await connect({ trade: ['*'] })
  receiver.send({ t: 'subscribe', id: 1, feed: 'quote', symbols: ['A'] })
  assert.deepEqual(refusals(receiver), ['A not_entitled the token does not give access to it'])
})

test('who loses the feed by a new token is told as well, and gets nothing more of it', async () => {
  const receiver = await connect({ quote: ['*'] })
  receiver.send({ t: 'subscribe', id: 1, feed: 'quote', symbols: ['A'] })
  receiver.take()
  await say(receiver, { t: 'token', token: JSON.stringify({ 'quote-delayed': ['*'] }) })
  const ended = receiver.takeOf('ended').flatMap(({ symbols }) => symbols.map(([name, code, message]) => `${name} ${code} ${message}`))
  assert.deepEqual(ended, [`A not_entitled the token does not give access to feed quote${INSTEAD}`])
})
