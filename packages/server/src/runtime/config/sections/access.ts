import * as z from 'zod'
import { durationMs, filePath, nodeName, secret, subject, text } from '../fields.ts'

/** Algorithms of RFC 7518 that are accepted where they are configured; `none` cannot be. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'HS256',
  'HS384',
  'HS512',
] as const

const HOUR_MS = 3_600_000

const claimName = (description: string) => text(description, 'the name of a claim: 1 to 128 characters without spaces', /^[^\s]{1,128}$/)

const limits = z
  .strictObject({
    connections: z.exactOptional(z.int().min(1).max(1_000_000).describe('Connections of one user to one gateway.')),
    subscriptions: z.exactOptional(z.int().min(1).max(10_000_000).describe('Symbols and patterns of one session.')),
    patterns: z.exactOptional(z.int().min(1).max(1_000_000).describe('Patterns of one feed of one session.')),
    maxRate: z.exactOptional(z.int().min(1).max(1_000).describe('Updates per second and symbol.')),
  })
  .prefault({})
  .describe('Limits. Default: those of the node.')

const role = z.strictObject({
  feeds: z
    .record(text('Name of a feed; `*`: every feed.', 'the name of a feed, or *', /^(\*|[A-Za-z0-9._-]{1,64})$/), z.array(subject))
    .default({})
    .describe('Symbols and patterns by feed, such as `{ quote: ["*.US"], trade: [AAPL.US] }`; the feed `*` is every feed.'),
  limits,
})

const jwks = z
  .strictObject({
    url: z.exactOptional(
      text(
        'Where the issuer publishes its keys (JWKS).',
        'an https:// address; http:// only of this machine',
        /^(https:\/\/[^\s#]+|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/[^\s#]*)?)$/,
      ),
    ),
    cooldownMs: durationMs('A set is not asked for again within this, whatever keys tokens name.', { default: 30_000, min: 1_000 }),
    timeoutMs: durationMs('How long an answer may take.', { default: 3_000, min: 100, max: 60_000 }),
    maxAgeMs: durationMs('A set older than this is asked for anew.', { default: 600_000, min: 1_000 }),
    keptMs: durationMs('While it cannot be had, the last one holds for so long.', { default: HOUR_MS, min: 0 }),
  })
  .prefault({})
  .describe('Keys that the issuer publishes and rotates.')

export const accessSection = z
  .strictObject({
    mode: z
      .enum(['open', 'token'])
      .default('open')
      .describe('`open`: everybody may see everything, for development. `token`: clients need a JSON Web Token (docs/security.md).'),
    keyFiles: z
      .array(filePath('One file with public keys: PEM, JWK or JWKS.'))
      .max(16)
      .default([])
      .describe('Files with the public keys that tokens are signed with: PEM, JWK or JWKS. Read anew when they change, and on SIGHUP.'),
    secretFile: z.exactOptional(
      filePath(
        'File that holds the secret that tokens are signed with (HS256 and its like), of 32 characters or more; two lines are two secrets. Read anew when it changes, and on SIGHUP.',
      ),
    ),
    secret: z.exactOptional(secret('The secret itself.')),
    jwks,
    algorithms: z
      .array(z.enum(TOKEN_ALGORITHMS).describe('One algorithm.'))
      .min(1)
      .default(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'])
      .describe('Algorithms that are accepted. Those of secrets (`HS256`, `HS384`, `HS512`) have to be named.'),
    issuer: z.exactOptional(text('What `iss` has to be.', 'text', /^.{1,512}$/)),
    audience: z.exactOptional(text('What `aud` has to be, or hold.', 'text', /^.{1,512}$/)),
    type: z.exactOptional(text('What the header `typ` has to be, such as `at+jwt`. Default: anything.', 'text', /^\S{1,64}$/)),
    clockToleranceMs: durationMs('How far the clocks of issuer and gateway may differ.', { default: 5_000, min: 0, max: 300_000 }),
    tokenLifeMaxMs: durationMs('Tokens that are valid for longer are refused: revocations are kept for so long.', {
      default: 24 * HOUR_MS,
      min: 10_000,
      max: 30 * 24 * HOUR_MS,
    }),
    refreshAheadMs: durationMs('How long before its end a session is asked for a new token.', {
      default: 60_000,
      min: 1_000,
      max: HOUR_MS,
    }),
    userClaim: claimName('The claim that names the user.').default('sub'),
    claim: claimName('The claim that holds entitlements: `{ roles, feeds, limits }`.').default('pulsewire'),
    roles: z
      .record(nodeName('Name of the role.'), role)
      .default({})
      .describe('What tokens may name: symbols and patterns by feed, and limits.'),
    defaultRole: z.exactOptional(nodeName('Role of tokens that say nothing of entitlements. Default: they are refused.')),
    anonymousRole: z.exactOptional(nodeName('Role of connections without a token. Default: they are refused.')),
    probeSecretFile: z.exactOptional(
      filePath(
        'File that holds the secret of the balancers’ probes, of 16 characters or more, the same for all; two lines are two secrets. Read anew when it changes, and on SIGHUP.',
      ),
    ),
    probeSecret: z.exactOptional(secret('The secret itself.')),
  })
  .prefault({})
  .describe('Who is let in, and what they may see.')
