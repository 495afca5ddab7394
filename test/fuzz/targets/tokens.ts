import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TOKEN_CODES } from '@pulsewire/protocol'
import { type Access, createAccess, type Grant, TokenError } from '../../../packages/server/src/access/index.ts'
import { RevocationTable } from '../../../packages/server/src/directory/index.ts'
import { systemClock } from '../../../packages/server/src/runtime/clock.ts'
import { loadConfig } from '../../../packages/server/src/runtime/config/index.ts'
import { FileWatch } from '../../../packages/server/src/runtime/file-watch.ts'
import { silentLogger } from '../../../packages/server/src/runtime/logger.ts'
import { FakeDirectory } from '../../support/fake-directory.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { AUDIENCE, ISSUER } from '../../support/tokens.ts'
import { bytesOf, textOf, type Input } from '../engine/input.ts'
import type { Target } from '../engine/target.ts'

const NOW_S = 1_800_000_000
const SECRET = 'qP3v9xkLw7TzB2nEr8YcD5sHa1UmJg6F'
const HEADER = '{"alg":"HS256"}'
const PAYLOAD = JSON.stringify({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'ann',
  iat: NOW_S,
  exp: NOW_S + 600,
  pulsewire: { feeds: { quote: ['*.US', 'A'] }, limits: { connections: 3, maxRate: 4 }, roles: ['one'] },
})

const access = accessOf()

/** Tokens: header and payload are a message each. With the signature of another one nobody is let in, whatever they say. */
export const tokens: readonly Target[] = [
  {
    name: 'tokens',
    weight: 1,
    seeds: [
      [bytesOf(HEADER), bytesOf(PAYLOAD)],
      [bytesOf('{"alg":"HS256","typ":"JWT","kid":"1","crit":["b64"],"b64":false}'), bytesOf(PAYLOAD)],
    ],
    run: check,
  },
]

async function check(input: Input): Promise<void> {
  for (let at = 0; at + 1 < input.length; at += 2) {
    const [header, payload] = [input[at]!, input[at + 1]!]
    const isSeed = textOf(header) === HEADER && textOf(payload) === PAYLOAD
    const borrowed = `${signed(bytesOf(HEADER), bytesOf(PAYLOAD)).split('.')[2]}`
    const letIn = await admitted(`${base64(header)}.${base64(payload)}.${borrowed}`)
    assert.equal(letIn !== null, isSeed, 'a signature stands for nothing but what it was made of')
    // By somebody who has the secret, but writes what they like.
    const grant = await admitted(signed(header, payload))
    if (grant !== null) checkGrant(grant)
    assert.equal(await admitted(textOf(header)), null)
  }
}

function checkGrant({ user, expiresAtMs, limits, entitlements }: Grant): void {
  assert.ok(user.length <= 128 && Number.isFinite(expiresAtMs))
  for (const limit of Object.values(limits)) assert.ok(limit > 0)
  for (const name of ['A', '__proto__', 'x.US']) assert.equal(typeof entitlements.allows('quote', name), 'boolean')
  assert.equal(entitlements.allows('quote', 'A') && !entitlements.hasFeed('quote'), false)
}

/** `null`: refused, with a code that is documented. */
async function admitted(token: string): Promise<Grant | null> {
  try {
    return await access.admit(token)
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    assert.ok(Object.hasOwn(TOKEN_CODES, error.code), error.code)
    assert.ok(token.length < 16 || !error.message.includes(token), 'it is not told again')
    return null
  }
}

function signed(header: Uint8Array, payload: Uint8Array): string {
  const text = `${base64(header)}.${base64(payload)}`
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

function accessOf(): Access {
  const folder = mkdtempSync(join(tmpdir(), 'pulsewire-fuzz-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const secretFile = join(folder, 'secret')
  writeFileSync(secretFile, SECRET)
  const file = join(folder, 'gateway.json')
  const roles = { one: { feeds: { trade: ['*'] } } }
  const settings = { mode: 'token', issuer: ISSUER, audience: AUDIENCE, secretFile, algorithms: ['HS256'], roles }
  writeFileSync(file, JSON.stringify({ gateway: { upstreams: [{ line: 'A', addresses: ['ws://push-a1:8081'] }], access: settings } }))
  const directory = Object.assign(new FakeDirectory(), { revocations: new RevocationTable() })
  const { gateway } = loadConfig('gateway', { file })
  const watch = new FileWatch({ clock: new ManualClock(), onHangup: () => () => {} })
  return createAccess(gateway.access, { logger: silentLogger, clock: systemClock, watch, directory, wallMs: () => NOW_S * 1000 })!
}
