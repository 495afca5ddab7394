import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { JWK, JWTPayload } from 'jose'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { AUDIENCE, ISSUER, Issuer } from '../../../../test/support/tokens.ts'
import { RevocationTable } from '../directory/index.ts'
import { FakeDirectory } from '../../../../test/support/fake-directory.ts'
import { systemClock } from '../runtime/clock.ts'
import { loadConfig } from '../runtime/config/index.ts'
import { FileWatch } from '../runtime/file-watch.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { createAccess, operatorToken, PROBE_PATTERN, type TokenError } from './index.ts'

const directory = mkdtempSync(join(tmpdir(), 'pulsewire-access-'))
after(() => rmSync(directory, { recursive: true, force: true }))
let files = 0

function write(content: string): string {
  const file = join(directory, `key-${++files}`)
  writeFileSync(file, content)
  return file
}

interface Given {
  readonly [setting: string]: unknown
}

let wallMs = 1_800_000_000_000

function make(access: Given, { revocations = new RevocationTable(), operator = '' } = {}) {
  const fake = Object.assign(new FakeDirectory(), { revocations })
  const file = write(
    JSON.stringify({
      gateway: {
        upstreams: [{ line: 'A', addresses: ['ws://push-a1:8081'] }],
        access: { mode: 'token', issuer: ISSUER, audience: AUDIENCE, ...access },
      },
    }),
  )
  const config = loadConfig('gateway', { file, ...(operator === '' ? {} : { env: { PULSEWIRE_OPERATOR_SECRET: operator } }) })
  const logger = createMemoryLogger()
  const made = createAccess(config.gateway.access, {
    logger,
    clock: systemClock,
    watch: new FileWatch({ clock: new ManualClock(), onHangup: () => () => {} }),
    directory: fake,
    ...(config.operator.secret === undefined ? {} : { operatorSecret: config.operator.secret }),
    wallMs: () => wallMs,
  })!
  return { access: made, revocations, directory: fake, logger, operator: config.operator.secret }
}

const issuerOf = (alg = 'ES256', kid?: string) => Issuer.make({ alg, nowMs: () => wallMs, ...(kid === undefined ? {} : { kid }) })

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'let in'
  } catch (error) {
    return (error as TokenError).code
  }
}

for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
  test(`a token signed with ${alg} is taken by the public key, as PEM, JWK or JWKS`, async () => {
    const issuer = await issuerOf(alg)
    for (const content of [await issuer.pem(), JSON.stringify(await issuer.jwk()), JSON.stringify({ keys: [await issuer.jwk()] })]) {
      const { access } = make({ keyFiles: [write(content)] })
      const grant = await access.admit(await issuer.token({ user: 'ann', jti: 't-1' }))
      assert.deepEqual([grant.user, grant.tokenId, grant.expiresAtMs], ['ann', 't-1', wallMs + 600_000])
      assert.ok(grant.entitlements.allows('quote', 'AAPL.US'))
    }
  })
}

test('a token signed with a secret is taken, with both while one takes the place of the other', async () => {
  const [older, newer] = ['o'.repeat(32), 'n'.repeat(32)]
  const { access } = make({ secretFile: write(`${newer}\n${older}\n`), algorithms: ['HS256'] })
  for (const secret of [older, newer]) {
    assert.equal((await access.admit(await Issuer.ofSecret(secret, 'HS256', () => wallMs).token())).user, 'ann')
  }
  assert.equal(await codeOf(access.admit(await Issuer.ofSecret('x'.repeat(32), 'HS256', () => wallMs).token())), 'token_signature')
})

test('what is wrong with a token is said by code', async () => {
  const issuer = await issuerOf('ES256', 'k1')
  const { access } = make({ keyFiles: [write(JSON.stringify(await issuer.jwk()))], type: 'at+jwt' })
  const header = { typ: 'at+jwt' }
  const token = (claims: JWTPayload = {}, more = {}) => issuer.token({ claims, header: { ...header, ...more } })
  assert.equal(await codeOf(access.admit(await token())), 'let in')
  const nowS = wallMs / 1000
  const cases: readonly [code: string, token: string | undefined][] = [
    ['token_missing', undefined],
    ['token_missing', ''],
    ['token_malformed', 'rubbish'],
    ['token_malformed', `${await token()}.x`],
    ['token_key_unknown', await token({}, { kid: 'k2' })],
    [
      'token_malformed',
      await token({}, { crit: ['x'], x: 1 }).catch(() => withHeader(issuer, { crit: ['x'], x: 1, kid: 'k1', alg: 'ES256' })),
    ],
    ['token_signature', tampered(await token())],
    ['token_expired', await token({ exp: nowS - 6 })],
    ['token_early', await token({ nbf: nowS + 6 })],
    ['token_early', await token({ iat: nowS + 6 })],
    ['token_issuer', await token({ iss: 'https://evil.test' })],
    ['token_audience', await token({ aud: 'another' })],
    ['token_type', await issuer.token()],
    ['token_claims', await token({ exp: undefined } as unknown as JWTPayload)],
    ['token_claims', await token({ iat: undefined } as unknown as JWTPayload)],
    ['token_claims', await token({ sub: '' })],
    ['token_claims', await token({ sub: 'x'.repeat(129) })],
    ['token_claims', await token({ pulsewire: undefined } as unknown as JWTPayload)],
    ['token_claims', await token({ pulsewire: { feeds: { quote: 'all' } } })],
    ['token_claims', await token({ pulsewire: { feed: {} } })],
    ['token_claims', await token({ pulsewire: { roles: ['__proto__'] } })],
    ['token_life', await token({ exp: nowS + 90_000 })],
  ]
  for (const [code, text] of cases) assert.equal(await codeOf(access.admit(text)), code, `${code}: ${text}`)
})

test('clocks that differ by less than the tolerance do not matter', async () => {
  const issuer = await issuerOf()
  const { access } = make({ keyFiles: [write(await issuer.pem())] })
  const nowS = wallMs / 1000
  for (const claims of [{ exp: nowS - 4 }, { nbf: nowS + 4 }, { iat: nowS + 4 }])
    assert.equal(await codeOf(access.admit(await issuer.token({ claims }))), 'let in')
})

test('RFC 8725: no `none`, and a public key is never taken for a secret', async () => {
  const issuer = await issuerOf('RS256')
  const pem = await issuer.pem()
  const { access } = make({ keyFiles: [write(pem)] })
  const [, payload] = (await issuer.token()).split('.')
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
  assert.equal(await codeOf(access.admit(unsigned)), 'token_algorithm')
  assert.equal(await codeOf(access.admit(await Issuer.ofSecret(pem, 'HS256', () => wallMs).token())), 'token_algorithm')
  // Where a secret is configured beside the key, the key is none all the same.
  const both = make({ keyFiles: [write(pem)], secretFile: write('s'.repeat(32)), algorithms: ['RS256', 'HS256'] })
  assert.equal(await codeOf(both.access.admit(await Issuer.ofSecret(pem, 'HS256', () => wallMs).token())), 'token_signature')
  assert.equal(await codeOf(both.access.admit(await issuer.token())), 'let in')
})

test('entitlements are those of the claim and of the roles that it names, limits the widest of them', async () => {
  const issuer = await issuerOf()
  const roles = {
    us: { feeds: { quote: ['*.US'] }, limits: { connections: 2, maxRate: 5 } },
    desk: { feeds: { '*': ['0700.HK'], trade: ['*'] }, limits: { connections: 9, subscriptions: 100 } },
  }
  const { access } = make({ keyFiles: [write(await issuer.pem())], roles, defaultRole: 'us' })
  const both = await access.admit(
    await issuer.token({ rights: { roles: ['us', 'desk'], feeds: { quote: ['7203.JP'] }, limits: { subscriptions: 7, patterns: 3 } } }),
  )
  const sees = (feed: string, symbol: string) => both.entitlements.allows(feed, symbol)
  assert.deepEqual(
    [sees('quote', 'AAPL.US'), sees('quote', '7203.JP'), sees('quote', '0700.HK'), sees('trade', 'X'), sees('depth', '0700.HK')],
    [true, true, true, true, true],
  )
  assert.deepEqual([sees('quote', 'X.HK'), sees('depth', 'AAPL.US'), sees('__proto__', 'constructor')], [false, false, false])
  assert.deepEqual(both.limits, { connections: 9, subscriptions: 7, patterns: 3, maxRate: Infinity })
  const byDefault = await access.admit(await issuer.token({ claims: { pulsewire: undefined } as unknown as JWTPayload }))
  assert.deepEqual([byDefault.entitlements.hasFeed('quote'), byDefault.entitlements.hasFeed('trade')], [true, false])
  assert.equal(byDefault.limits.maxRate, 5)
})

test('without a token there is what the anonymous role gives', async () => {
  const issuer = await issuerOf()
  const { access } = make({ keyFiles: [write(await issuer.pem())], roles: { free: { feeds: { index: ['*'] } } }, anonymousRole: 'free' })
  const grant = await access.admit(undefined)
  assert.deepEqual([grant.user, grant.entitlements.hasFeed('index'), grant.entitlements.hasFeed('quote')], ['', true, false])
  assert.equal(await codeOf(access.admit('rubbish')), 'token_malformed')
})

test('probes and operators come in by their secrets, and see no quotes', async () => {
  const issuer = await issuerOf()
  const probes = ['p'.repeat(16), 'q'.repeat(16)]
  const { access, operator } = make(
    { keyFiles: [write(await issuer.pem())], probeSecretFile: write(probes.join('\n')) },
    { operator: 'o'.repeat(16) },
  )
  for (const secret of probes) {
    const { entitlements } = await access.admit(secret)
    assert.deepEqual([entitlements.allows('quote', PROBE_PATTERN), entitlements.allows('quote', 'AAPL.US')], [true, false])
  }
  const asking = await access.admit(operatorToken(operator!).reveal())
  assert.equal(asking.entitlements.hasFeed('quote'), false)
  assert.equal(await codeOf(access.admit('o'.repeat(16))), 'token_malformed')
})

test('a revoked token, and those that a revoked user had been given, count no more; later ones do', async () => {
  const issuer = await issuerOf()
  const { access, revocations } = make({ keyFiles: [write(await issuer.pem())] })
  const [ann, bob] = [
    await access.admit(await issuer.token({ user: 'ann', jti: 'a' })),
    await access.admit(await issuer.token({ user: 'bob', jti: 'b' })),
  ]
  const before = access.revision
  revocations.set('k1', { of: 'user', name: 'ann', atMs: wallMs, untilMs: wallMs + 1e6 })
  revocations.set('k2', { of: 'jti', name: 'b', atMs: wallMs, untilMs: wallMs + 1e6 })
  assert.notEqual(access.revision, before)
  assert.deepEqual([access.objection(ann), access.objection(bob)], ['revoked', 'revoked'])
  assert.equal(await codeOf(access.admit(await issuer.token({ user: 'ann' }))), 'token_revoked')
  assert.equal(await codeOf(access.admit(await issuer.token({ user: 'ann', issuedInS: 6, claims: { nbf: wallMs / 1000 } }))), 'token_early')
  assert.equal(await codeOf(access.admit(await issuer.token({ user: 'bob', jti: 'c' }))), 'let in')
  wallMs += 6000
  assert.equal(await codeOf(access.admit(await issuer.token({ user: 'ann' }))), 'let in')
})

test('a grant ends with its token, and its user cannot change', async () => {
  const issuer = await issuerOf()
  const { access } = make({ keyFiles: [write(await issuer.pem())] })
  const grant = await access.admit(await issuer.token({ expiresInS: 60 }))
  assert.equal(access.objection(grant), undefined)
  wallMs += 64_999
  assert.equal(access.objection(grant), undefined)
  wallMs += 1
  assert.equal(access.objection(grant), 'expired')
  assert.equal(await codeOf(access.renew(grant, await issuer.token({ user: 'bob' }))), 'token_user')
  assert.equal((await access.renew(grant, await issuer.token())).user, 'ann')
})

test('keys of the issuer are fetched, followed when they change, and kept while it is away', async (t) => {
  let [keys, status, asked]: [JWK[], number, number] = [[], 200, 0]
  const server = createServer((_, response) => {
    asked++
    response.writeHead(status).end(JSON.stringify({ keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  // The library judges the age of a set by the machine's clock.
  t.mock.timers.enable({ apis: ['Date'], now: wallMs })
  const pass = (ms: number) => t.mock.timers.setTime((wallMs += ms))
  const [first, second, third] = [await issuerOf('ES256', 'k1'), await issuerOf('ES256', 'k2'), await issuerOf('ES256', 'k3')]
  const jwks = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`, cooldownMs: 1000, maxAgeMs: 1000, keptMs: 60_000 }
  const { access, logger } = make({ jwks })
  // Nothing is known yet, and nobody answers: it could be checked later.
  status = 500
  assert.equal(await codeOf(access.admit(await first.token())), 'token_unchecked')
  pass(1001)
  status = 200
  keys = [await first.jwk()]
  assert.equal(await codeOf(access.admit(await first.token())), 'let in')
  const fetched = asked
  assert.equal(await codeOf(access.admit(await second.token())), 'token_key_unknown')
  assert.equal(await codeOf(access.admit(await third.token())), 'token_key_unknown')
  assert.equal(asked, fetched, 'unknown keys are no way to make it ask again and again')
  keys = [await first.jwk(), await second.jwk()]
  pass(1001)
  assert.equal(await codeOf(access.admit(await second.token())), 'let in')
  keys = [await second.jwk()]
  pass(1001)
  assert.equal(await codeOf(access.admit(await first.token())), 'token_key_unknown')
  // Away, what was fetched last holds.
  status = 500
  pass(1001)
  assert.equal(await codeOf(access.admit(await second.token())), 'let in')
  assert.equal(await codeOf(access.admit(await third.token())), 'token_unchecked')
  pass(61_000)
  assert.equal(await codeOf(access.admit(await second.token())), 'token_unchecked')
  assert.deepEqual(
    logger.lines.map(({ code }) => code),
    ['jwks_unreachable', 'jwks_reached', 'jwks_unreachable'],
  )
})

test('a file that holds no public key is named', async () => {
  const issuer = await issuerOf()
  for (const [content, why] of [
    ['nonsense', /cannot be used/],
    ['{"kty":"oct","k":"c2VjcmV0"}', /secretFile/],
    [JSON.stringify({ ...(await issuer.jwk()), d: 'AA' }), /private key/],
  ] as const) {
    const file = write(content)
    assert.throws(
      () => make({ keyFiles: [file] }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'access_keys')
        assert.match(error.message, why)
        assert.ok(error.message.includes(file))
        return true
      },
    )
  }
})

test('limits of connections are counted by user', async () => {
  const issuer = await issuerOf()
  const { access } = make({ keyFiles: [write(await issuer.pem())] })
  const rights = { feeds: {}, limits: { connections: 2 } }
  const grant = await access.admit(await issuer.token({ rights }))
  const other = await access.admit(await issuer.token({ rights, user: 'bob' }))
  assert.deepEqual([access.enter(grant), access.enter(grant), access.enter(grant), access.enter(other)], [true, true, false, true])
  access.leave(grant)
  assert.equal(access.enter(grant), true)
})

function tampered(token: string): string {
  const [header, payload, signature] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as object
  return `${header}.${Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url')}.${signature}`
}

/** With a header that a well-meaning library would not write. */
async function withHeader(issuer: Issuer, header: object): Promise<string> {
  const [, payload, signature] = (await issuer.token()).split('.')
  return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.${signature}`
}
