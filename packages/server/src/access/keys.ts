import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwksCache,
  type CryptoKey,
  type JSONWebKeySet,
  type JWK,
  type JWKSCacheInput,
  type JWSHeaderParameters,
  type JWTVerifyGetKey,
} from 'jose'
import { PulsewireError } from '../runtime/errors.ts'
import type { Secret } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import { TokenError } from './errors.ts'

/** Keys that a token could be signed with, the likeliest first. */
export type FindKeys = (header: JWSHeaderParameters) => Promise<readonly (CryptoKey | Uint8Array)[]>

export interface JwksOptions {
  readonly url: string
  /** A set is not asked for again within this, whatever tokens name: unknown keys must not be a way to load the issuer. */
  readonly cooldownMs: number
  readonly timeoutMs: number
  /** A set older than this is asked for anew. */
  readonly maxAgeMs: number
  /** While it cannot be had, the last one holds for so long. */
  readonly keptMs: number
}

export interface KeyOptions {
  /** PEM public keys, JWK or JWKS files. */
  readonly keyFiles: readonly string[]
  /** For HS256 and its like. */
  readonly secrets: readonly Secret[]
  readonly jwks?: JwksOptions
}

/** A set that could not be fetched is not asked for again within this. */
const RETRY_MS = 1000
/** Tokens may name no key, or several keys may fit. */
const TRIED_MAX = 8

export interface Keys {
  readonly find: FindKeys
  /** Reads the files of public keys again, and takes these secrets. @throws PulsewireError `access_keys`; then nothing has changed. */
  readonly replace: (secrets: readonly Secret[]) => void
}

/** @throws PulsewireError `access_keys` naming the file that holds no public key. */
export function createKeys(options: KeyOptions, logger: Logger, nowMs: () => number): Keys {
  let held = heldKeys(options.keyFiles, options.secrets)
  const remote = options.jwks === undefined ? noKeys : remoteKeys(options.jwks, logger, nowMs)
  const find: FindKeys = async (header) => {
    const { named, nameless, secrets } = held
    // By its algorithm alone: a public key must never be taken for a secret, nor the other way round.
    if (header.alg?.startsWith('HS') === true) return required(secrets)
    const found = await named(header)
    if (found.length > 0) return found
    const { kid: _, ...unnamed } = header
    // A PEM file has no name for its key: it is tried for tokens whatever key they name.
    const loose = await nameless(unnamed)
    return loose.length === 0 ? required(await remote(header)) : [...loose, ...(await remote(header).catch(() => []))].slice(0, TRIED_MAX)
  }
  return { find, replace: (secrets) => (held = heldKeys(options.keyFiles, secrets)) }
}

/** Those that files and secrets give. */
function heldKeys(files: readonly string[], secrets: readonly Secret[]) {
  const keys = files.flatMap((file) => readKeys(file))
  const named = keysIn(keys.filter(({ kid }) => kid !== undefined))
  const nameless = keysIn(keys.filter(({ kid }) => kid === undefined))
  return { named, nameless, secrets: secrets.map((secret) => new TextEncoder().encode(secret.reveal())) }
}

const noKeys: FindKeys = async () => []

function keysIn(keys: JWK[]): FindKeys {
  return keys.length === 0 ? noKeys : keysOf(createLocalJWKSet({ keys }))
}

function required<T>(keys: readonly T[]): readonly T[] {
  if (keys.length === 0) throw new TokenError('token_key_unknown')
  return keys
}

function readKeys(file: string): JWK[] {
  try {
    const text = readFileSync(file, 'utf8').trim()
    if (!text.startsWith('{')) {
      if (text.includes('PRIVATE KEY')) throw new Error('it holds a private key, which is not needed here and must not be')
      return [createPublicKey(text).export({ format: 'jwk' }) as JWK]
    }
    const tree = JSON.parse(text) as JWK & { keys?: JWK[] }
    const keys = tree.keys ?? [tree]
    if (keys.some((key) => key.d !== undefined)) throw new Error('it holds a private key, which is not needed here and must not be')
    if (keys.some(({ kty }) => kty === 'oct')) throw new Error('it holds a secret, expected a public key; a secret goes into secretFile')
    for (const key of keys) createPublicKey({ key: key as object, format: 'jwk' })
    return keys
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new PulsewireError('access_keys', `gateway.access.keyFiles: ${file} cannot be used: ${why}`, { cause })
  }
}

/** A set as what fits of it: several keys may, and then each is tried. */
function keysOf(set: JWTVerifyGetKey): FindKeys {
  return async (header) => {
    if (header.alg?.startsWith('HS') === true) return []
    try {
      return [(await set(header as Parameters<JWTVerifyGetKey>[0], NO_TOKEN)) as CryptoKey]
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return []
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      const keys: CryptoKey[] = []
      for await (const key of error) keys.push(key)
      return keys
    }
  }
}

const NO_TOKEN = { payload: '', signature: '' }

/** The issuer's own set: fetched when it is needed, again when it is old or a token names a key that it lacks. */
function remoteKeys({ url, cooldownMs, timeoutMs, maxAgeMs, keptMs }: JwksOptions, logger: Logger, nowMs: () => number): FindKeys {
  const cache: JWKSCacheInput = {}
  const remote = createRemoteJWKSet(new URL(url), {
    cooldownDuration: cooldownMs,
    timeoutDuration: timeoutMs,
    cacheMaxAge: maxAgeMs,
    [jwksCache]: cache,
  })
  const keys = keysOf(remote)
  let held: { readonly uat: number; readonly keys: FindKeys } | null = null
  let failedAtMs = -Infinity
  const hold = (): void => {
    const { uat, jwks } = cache as { uat?: number; jwks?: JSONWebKeySet }
    if (uat === undefined || jwks === undefined || uat === held?.uat) return
    held = { uat, keys: keysOf(createLocalJWKSet(jwks)) }
    if (failedAtMs > -Infinity) logger.info('jwks_reached', 'the keys of tokens can be fetched again', { url })
    failedAtMs = -Infinity
  }
  const fallBack = async (header: JWSHeaderParameters, cause?: unknown) => {
    const found = held === null || nowMs() - held.uat > keptMs ? [] : await held.keys(header)
    if (found.length > 0) return found
    throw new TokenError('token_unchecked', '', { cause })
  }
  return async (header) => {
    // Away, it is not asked for each token that comes.
    if (nowMs() - failedAtMs < RETRY_MS) return fallBack(header)
    try {
      const found = await keys(header)
      hold()
      return found
    } catch (error) {
      if (error instanceof errors.JOSENotSupported) throw error
      if (failedAtMs === -Infinity) {
        const why = error instanceof Error ? error.message : String(error)
        logger.warn('jwks_unreachable', `the keys of tokens cannot be fetched: ${why}`, { url, held: held !== null })
      }
      failedAtMs = nowMs()
      return fallBack(header, error)
    }
  }
}
