/** Sessions of a node that demands tokens. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenCode } from '@pulsewire/protocol'
import type { Receiver } from '../../../../test/support/receiver.ts'
import { Sender, type SenderOptions } from '../../../../test/support/sender.ts'
import { type Access, type Grant, TokenError } from '../access/index.ts'
import { Entitlements, type FeedRules } from '../access/entitlements.ts'
import { NO_LIMITS } from '../access/grant.ts'

/** Tokens that a test makes up: what they give is looked up by their text. */
class TestAccess {
  ready = true
  refreshAheadMs = 60_000
  revision = 0
  readonly revoked = new Set<string>()
  readonly entered: string[] = []
  connectionsMax = Infinity
  readonly #grants = new Map<string, Grant | TokenCode>()
  readonly #now: () => number
  /** Settled by the test: a token is checked in its own time. */
  release: () => void = () => {}
  #gate: Promise<void> = Promise.resolve()

  constructor(now: () => number) {
    this.#now = now
  }

  nowMs(): number {
    return this.#now()
  }

  give(token: string, feeds: FeedRules, more: Partial<Grant> = {}): void {
    const grant: Grant = {
      user: 'ann',
      tokenId: null,
      issuedAtMs: this.#now(),
      expiresAtMs: Infinity,
      entitlements: new Entitlements([feeds]),
      limits: NO_LIMITS,
      ...more,
    }
    this.#grants.set(token, grant)
  }

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.release = resolve
    })
  }

  async admit(token: string | undefined): Promise<Grant> {
    await this.#gate
    const grant = this.#grants.get(token ?? '') ?? (token === undefined ? 'token_missing' : 'token_signature')
    if (typeof grant === 'string') throw new TokenError(grant)
    return grant
  }

  renew(_before: Grant, token: string): Promise<Grant> {
    return this.admit(token)
  }

  objection(grant: Grant): 'expired' | 'revoked' | undefined {
    if (this.revoked.has(grant.user)) return 'revoked'
    return this.#now() >= grant.expiresAtMs ? 'expired' : undefined
  }

  enter({ user }: Grant): boolean {
    if (this.entered.length >= this.connectionsMax) return false
    this.entered.push(user)
    return true
  }

  leave({ user }: Grant): void {
    this.entered.splice(this.entered.indexOf(user), 1)
  }
}

function start(options: Partial<SenderOptions> = {}): { sender: Sender; access: TestAccess } {
  const access: TestAccess = new TestAccess(() => sender.clock.nowMs())
  const sender: Sender = new Sender({ ...options, access: access as unknown as Access })
  return { sender, access }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

async function connect(sender: Sender, token?: string): Promise<Receiver> {
  const receiver = sender.connectSilently()
  receiver.send({ t: 'hello', client: 'test', user: 'somebody', ...(token === undefined ? {} : { token }) })
  await settle()
  return receiver
}

async function refresh(receiver: Receiver, token: string): Promise<void> {
  receiver.send({ t: 'token', token })
  await settle()
}

test('nobody comes in without a good token; the reason is said by code, before the close and in it', async () => {
  const { sender } = start()
  for (const [token, code] of [
    [undefined, 'token_missing'],
    ['bad', 'token_signature'],
  ] as const) {
    const receiver = await connect(sender, token)
    const [error] = receiver.takeOf('error')
    assert.equal(error?.code, code)
    assert.equal(receiver.closed.code, 4001)
    assert.match(receiver.closed.reason, new RegExp(`^unauthorized: ${code}: `))
  }
  assert.deepEqual(
    [...sender.sessions.denied],
    [
      ['token_missing', 1],
      ['token_signature', 1],
    ],
  )
  assert.ok(!JSON.stringify(sender.log.lines).includes('"bad"'))
})

test('keys that cannot be fetched, and a revoked token, close with codes of their own; so does a node that does not know what is revoked', async () => {
  const { sender, access } = start()
  for (const [thrown, close] of [
    ['token_unchecked', 4106],
    ['token_revoked', 4003],
  ] as const) {
    access.give('t', {})
    access.admit = async () => {
      throw new TokenError(thrown)
    }
    assert.equal((await connect(sender, 't')).closed.code, close)
  }
  access.ready = false
  assert.equal((await connect(sender, 't')).closed.code, 4104)
})

test('what comes behind hello waits for the check, in order and bounded', async () => {
  const { sender, access } = start()
  access.give('t', { quote: ['A'] })
  access.hold()
  const receiver = await connect(sender, 't')
  receiver.subscribe(['A', 'B'])
  receiver.send({ t: 'sync', at: 5 })
  assert.deepEqual(receiver.take(), [])
  const flood = await connect(sender, 't')
  for (let i = 0; i < 5; i++) flood.sendRaw(`[${' '.repeat(16_000)}]`)
  assert.equal(flood.closed.code, 4000)
  access.release()
  await settle()
  assert.deepEqual(
    receiver.take().map(({ t }) => t),
    ['welcome', 'sync', 'subscribed', 'pulse'],
  )
  assert.deepEqual(access.entered, ['ann'])
})

test('who comes in is named by the token, not by what it says of itself', async () => {
  const { sender, access } = start()
  access.give('t', {})
  access.give('nobody', {}, { user: '' })
  await connect(sender, 't')
  await connect(sender, 'nobody')
  assert.deepEqual(
    [...sender.sessions].map(({ user }) => user),
    ['ann', ''],
  )
})

test('symbols that the token does not give are refused one by one; patterns bring only what it gives', async () => {
  const { sender, access } = start({ feeds: [{}, { name: 'trade' }] })
  access.give('t', { quote: ['A*'] })
  for (const name of ['AA', 'AB', 'BB']) sender.record(name, { last: 1 })
  const receiver = await connect(sender, 't')
  receiver.subscribe(['AA', 'BB', 'constructor'], { patterns: ['*B'] })
  receiver.send({ t: 'subscribe', id: 2, feed: 'trade', symbols: ['AA'], patterns: ['*'] })
  const answers = receiver.takeOf('subscribed')
  assert.deepEqual(
    answers.map(({ id, ok = [], refused = [], done }) => [id, ok.map(([name]) => name), refused.map(([name, code]) => [name, code]), done]),
    [
      [
        1,
        ['AA', 'AB'],
        [
          ['BB', 'not_entitled'],
          ['constructor', 'not_entitled'],
        ],
        true,
      ],
      [
        2,
        [],
        [
          ['AA', 'not_entitled'],
          ['*', 'not_entitled'],
        ],
        true,
      ],
    ],
  )
  // Of a new symbol that a pattern means, too.
  sender.record('ZB', { last: 1 })
  sender.record('A2B', { last: 1 })
  assert.deepEqual(
    receiver.takeOf('subscribed').flatMap(({ ok = [] }) => ok.map(([name]) => name)),
    ['A2B'],
  )
})

test('a new token is asked for ahead of the end, again when none comes, and then the session is closed', async () => {
  const { sender, access } = start()
  access.give('t', {}, { expiresAtMs: sender.clock.nowMs() + 600_000 })
  const receiver = await connect(sender, 't')
  const expiresAt = sender.clock.nowMs() + 600_000
  assert.deepEqual(receiver.takeOf('token'), [{ t: 'token', expiresAt }])
  const asked: number[] = []
  for (let second = 0; second < 605 && receiver.closed.code === 0; second++) {
    sender.clock.advance(1000)
    for (const frame of receiver.takeOf('token'))
      if (frame.refresh === true) asked.push(Math.round((expiresAt - sender.clock.nowMs()) / 1000))
  }
  assert.deepEqual(asked.length, 3)
  assert.ok(asked[0]! <= 60 && asked[0]! >= 58 && asked[1]! <= 30 && asked[2]! <= 15 && asked[2]! > 5, asked.join())
  assert.equal(receiver.closed.code, 4105)
  assert.deepEqual(access.entered, [])
})

test('a short-lived token is asked for after half of its life', async () => {
  const { sender, access } = start()
  access.give('t', {}, { expiresAtMs: sender.clock.nowMs() + 20_000 })
  const receiver = await connect(sender, 't')
  receiver.take()
  sender.clock.advance(9_000)
  assert.deepEqual(receiver.takeOf('token'), [])
  sender.clock.advance(2_000)
  assert.equal(receiver.takeOf('token')[0]?.refresh, true)
})

test('a new token is answered with its end, and what it gives no more is ended symbol by symbol', async () => {
  const { sender, access } = start({ feeds: [{}, { name: 'trade' }] })
  access.give('wide', { quote: ['*'], trade: ['*'] })
  const expiresAt = sender.clock.nowMs() + 900_000
  access.give('narrow', { quote: ['A*'] }, { expiresAtMs: expiresAt })
  for (const name of ['AA', 'BB']) sender.record(name, { last: 1 })
  const receiver = await connect(sender, 'wide')
  receiver.subscribe(['AA', 'BB'])
  receiver.send({ t: 'subscribe', id: 2, feed: 'trade', symbols: ['X'], patterns: ['*'] })
  receiver.take()
  await refresh(receiver, 'narrow')
  const seen = receiver.take()
  assert.deepEqual(
    seen.filter(({ t }) => t === 'token'),
    [{ t: 'token', expiresAt }],
  )
  const ended = seen.flatMap((frame) => (frame.t === 'ended' ? frame.symbols.map(([name, code]) => [frame.id, name, code]) : []))
  assert.deepEqual(ended, [
    [1, 'BB', 'not_entitled'],
    [2, '*', 'not_entitled'],
    [2, 'X', 'not_entitled'],
  ])
  sender.record('AA', { last: 2 })
  sender.record('BB', { last: 2 })
  assert.deepEqual(
    receiver.takeOf('update').map(({ symbol }) => symbol),
    ['AA'],
  )
  // Both ends hold the same set.
  sender.clock.advance(3000)
  assert.deepEqual(receiver.takeOf('resubscribe'), [])
  // Wider again, an open pattern brings what it did not before.
  receiver.subscribe([], { patterns: ['*'] })
  assert.deepEqual(
    receiver.takeOf('subscribed').flatMap(({ ok = [] }) => ok.map(([name]) => name)),
    [],
  )
  await refresh(receiver, 'wide')
  assert.deepEqual(
    receiver.takeOf('subscribed').flatMap(({ ok = [] }) => ok.map(([name]) => name)),
    ['BB'],
  )
})

test('a pattern that can mean nothing of what the token gives is refused, and no upstream node is asked for it', async () => {
  const { sender, access } = start()
  access.give('us', { quote: ['*.US', '0700.HK'] })
  access.give('jp', { quote: ['72*.JP'] })
  const receiver = await connect(sender, 'us')
  receiver.subscribe([], { patterns: ['*.JP', '07*', 'A*', '*.HKX'] })
  const refused = receiver.takeOf('subscribed').flatMap((frame) => (frame.refused ?? []).map(([name, code]) => [name, code]))
  assert.deepEqual(refused, [
    ['*.JP', 'not_entitled'],
    ['*.HKX', 'not_entitled'],
  ])
  assert.deepEqual([...sender.feed().patterns.keys()], ['07*', 'A*'])
  receiver.subscribe([], { patterns: ['7*'] })
  await refresh(receiver, 'jp')
  const ended = receiver.takeOf('ended').flatMap(({ symbols }) => symbols.map(([name]) => name))
  assert.deepEqual(ended, ['07*', 'A*'])
  assert.deepEqual([...sender.feed().patterns.keys()], ['7*'])
})

test('a token that gives what the one before gave has nothing looked for again; one that gives more has', async (t) => {
  const { sender, access } = start()
  access.give('one', { quote: ['A*'] })
  access.give('more', { quote: ['*'] })
  for (const name of ['AA', 'BB']) sender.record(name, { last: 1 })
  const receiver = await connect(sender, 'one')
  receiver.subscribe([], { patterns: ['*'] })
  receiver.take()
  const { mock } = t.mock.method(sender.hub.scans, 'start')
  for (const [token, scans] of [
    ['one', 0],
    ['more', 1],
    ['more', 1],
  ] as const) {
    await refresh(receiver, token)
    receiver.take()
    assert.equal(mock.callCount(), scans)
  }
  assert.deepEqual(receiver.image('BB'), { last: 1 })
})

test('a token that gives less while a pattern is looked for: it brings what that one gives', async () => {
  const { sender, access } = start({ feeds: [{ symbolsMax: 100_000 }], session: { subscriptionsMax: 100_000 } })
  access.give('wide', { quote: ['*'] })
  access.give('narrow', { quote: ['A*'] })
  for (let n = 0; n < 30_000; n++) sender.record(`${n % 3000 === 0 ? 'A' : 'B'}${n}`, { last: n })
  const receiver = await connect(sender, 'wide')
  receiver.subscribe([], { patterns: ['*'] })
  assert.equal(sender.hub.scans.size, 1)
  await refresh(receiver, 'narrow')
  const answers = receiver.takeOf('subscribed')
  assert.deepEqual([answers.flatMap(({ ok = [] }) => ok).length, answers.at(-1)?.done], [10, true])
})

test('a symbol that waits for an answer when it is taken away is answered, and owed no more', async () => {
  const waiting = {
    want: () => false,
    unwant() {},
    wantPattern: () => true,
    unwantPattern() {},
    explain: () => ({ hop: 'log', reason: 'no_pulse', message: '' }) as const,
  }
  const { sender, access } = start({ source: waiting })
  access.give('wide', { quote: ['*'] })
  access.give('narrow', { quote: ['A'] })
  const receiver = await connect(sender, 'wide')
  receiver.subscribe(['A', 'B'])
  receiver.take()
  await refresh(receiver, 'narrow')
  assert.deepEqual(
    receiver.takeOf('ended').flatMap(({ symbols }) => symbols.map(([name]) => name)),
    ['B'],
  )
  sender.hub.symbolReady(sender.symbol('A'))
  const answers = receiver.takeOf('subscribed')
  assert.deepEqual(
    answers.flatMap(({ ok = [] }) => ok.map(([name]) => name)),
    ['A'],
  )
  assert.equal(answers.at(-1)?.done, true)
})

test('a new token that is not taken changes nothing; the fourth in a row closes', async () => {
  const { sender, access } = start()
  access.give('t', { quote: ['*'] })
  const receiver = await connect(sender, 't')
  receiver.subscribe(['A'])
  receiver.take()
  for (let times = 1; times <= 3; times++) {
    await refresh(receiver, 'bad')
    assert.equal(receiver.takeOf('error')[0]?.code, 'token_signature')
  }
  sender.record('A', { last: 1 })
  assert.equal(receiver.takeOf('update').length, 1)
  assert.equal(receiver.closed.code, 0)
  for (let times = 1; times <= 4; times++) await refresh(receiver, 'bad')
  assert.equal(receiver.closed.code, 4004)
})

test('whose access is revoked is closed within a second, and nobody else', async () => {
  const { sender, access } = start()
  access.give('a', {})
  access.give('b', {}, { user: 'bob' })
  const [ann, bob] = [await connect(sender, 'a'), await connect(sender, 'b')]
  access.revoked.add('ann')
  access.revision++
  sender.clock.advance(1000)
  assert.deepEqual([ann.closed.code, bob.closed.code], [4003, 0])
})

test('limits of a token: connections, symbols, updates per second', async () => {
  const { sender, access } = start({ feeds: [{}, { name: 'trade', mode: 'every' }] })
  const limited = (limits: Partial<Grant['limits']>) => ({ limits: { ...NO_LIMITS, ...limits } })
  access.give('t', { '*': ['*'] }, limited({ subscriptions: 2, maxRate: 2 }))
  access.give('slow', { '*': ['*'] }, limited({ subscriptions: 2, maxRate: 1 }))
  access.connectionsMax = 1
  const receiver = await connect(sender, 't')
  assert.equal((await connect(sender, 't')).closed.code, 4107)
  assert.equal(receiver.takeOf('welcome')[0]?.limits.subscriptionsMax, 2)
  receiver.subscribe(['A', 'B', 'C'])
  const [answer] = receiver.takeOf('subscribed')
  assert.deepEqual(
    answer?.refused?.map(([name, code]) => [name, code]),
    [['C', 'subscriptions_limit']],
  )
  for (let last = 0; last < 100; last++) {
    sender.record('A', { last })
    sender.clock.advance(20)
  }
  const updates = receiver.takeOf('update').length
  assert.ok(updates >= 3 && updates <= 6, `${updates} updates in 2 s`)
  receiver.send({ t: 'subscribe', id: 2, feed: 'trade', symbols: ['A'] })
  const [error] = receiver.takeOf('error')
  assert.deepEqual([error?.code, error?.id], ['not_entitled', 2])
  // The same id again, with the same options, is the same subscription, whatever the limit made of them.
  receiver.subscribe(['A'])
  assert.deepEqual(receiver.takeOf('error'), [])
  await refresh(receiver, 'slow')
  assert.deepEqual(
    receiver.takeOf('ended').flatMap(({ symbols }) => symbols.map(([name, code]) => [name, code])),
    [
      ['A', 'not_entitled'],
      ['B', 'not_entitled'],
    ],
  )
  receiver.send({ t: 'bye' })
  receiver.disconnect()
  assert.deepEqual(access.entered, [])
})

test('a session that ends while its token is checked leaves nothing behind', async () => {
  const { sender, access } = start()
  access.give('t', {})
  access.hold()
  const receiver = await connect(sender, 't')
  receiver.disconnect()
  access.release()
  await settle()
  assert.deepEqual([access.entered, sender.sessions.size], [[], 0])
})

test('a check that takes longer than hello may is given up', async () => {
  const { sender, access } = start()
  access.hold()
  const receiver = await connect(sender, 't')
  sender.clock.advance(6000)
  assert.equal(receiver.closed.code, 4103)
})
