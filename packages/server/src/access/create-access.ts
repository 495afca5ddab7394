import { createHmac } from 'node:crypto'
import { type Directory, NO_REVOCATIONS } from '../directory/index.ts'
import { type AccessConfig, Secret } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import { Access, type ServiceCredential } from './access.ts'
import { EVERY_FEED } from './entitlements.ts'
import { createKeys } from './keys.ts'
import { Policy } from './policy.ts'
import { TokenVerifier } from './token-verifier.ts'

/**
 * What probes subscribe to, because pulses come only to who subscribes. This is the cheapest subscription that is owed
 * them: a pattern without a wildcard, for a name that no symbol has. No node keeps a symbol for it, and a new symbol
 * costs one comparison.
 */
export const PROBE_PATTERN = '.pulsewire.probe'

export interface AccessDeps {
  readonly logger: Logger
  /** Where revocations are heard. Default: there are none. */
  readonly directory?: Directory
  /** Operators come in with a proof of it, to ask; they see no quotes. */
  readonly operatorSecret?: Secret
  /** By which other nodes come in, and see everything. */
  readonly innerSecrets?: readonly Secret[]
  /** Unix time in ms; default that of the machine's clock. */
  readonly wallMs?: () => number
}

/** @returns null where everybody may come in. @throws PulsewireError `access_keys` */
export function createAccess(config: AccessConfig, deps: AccessDeps): Access | null {
  if (config.mode === 'open') return null
  const nowMs = deps.wallMs ?? (() => Date.now())
  const { directory, operatorSecret } = deps
  const findKeys = createKeys(config, deps.logger, nowMs)
  const { clockToleranceMs, refreshAheadMs, tokenLifeMaxMs, roles, defaultRole, anonymousRole, userClaim, claim } = config
  const services: ServiceCredential[] = config.probeSecrets.map((secret) => ({
    user: '',
    secret,
    feeds: { [EVERY_FEED]: [PROBE_PATTERN] },
  }))
  services.push(...nodes(deps.innerSecrets ?? []), ...operators(operatorSecret))
  return new Access({
    verifier: new TokenVerifier(
      { ...config, lifeMaxMs: tokenLifeMaxMs, issuer: config.issuer!, audience: config.audience! },
      findKeys,
      nowMs,
    ),
    policy: new Policy({ roles, ...(defaultRole === undefined ? {} : { defaultRole }) }),
    userClaim,
    claim,
    ...(anonymousRole === undefined ? {} : { anonymousRole }),
    services,
    revocations: directory?.revocations ?? NO_REVOCATIONS,
    isKnown: () => directory?.isReadBack ?? true,
    clockToleranceMs,
    refreshAheadMs,
    nowMs,
  })
}

const EVERYTHING = { [EVERY_FEED]: ['*'] }

/** @returns null where any node may come in: there is no secret by which to tell. */
export function createInnerAccess(
  secrets: readonly Secret[],
  { takesCertificates, operatorSecret }: { readonly takesCertificates: boolean; readonly operatorSecret?: Secret },
): Access | null {
  if (secrets.length === 0 && !takesCertificates) return null
  return new Access({
    verifier: null,
    policy: new Policy({ roles: {} }),
    userClaim: '',
    claim: '',
    services: [...nodes(secrets), ...operators(operatorSecret)],
    ...(takesCertificates ? { certifiedFeeds: EVERYTHING } : {}),
    revocations: NO_REVOCATIONS,
    isKnown: () => true,
    clockToleranceMs: 0,
    refreshAheadMs: 0,
    nowMs: () => Date.now(),
  })
}

function nodes(secrets: readonly Secret[]): ServiceCredential[] {
  return secrets.map((secret) => ({ user: '', secret, feeds: EVERYTHING }))
}

function operators(secret: Secret | undefined): ServiceCredential[] {
  return secret === undefined ? [] : [{ user: '', secret: operatorToken(secret), feeds: {} }]
}

/**
 * What an operator's connection shows in place of a token. It opens a connection on which nothing can be subscribed, and
 * every question on that needs a proof of its own, so that to overhear it gives nothing.
 */
export function operatorToken(secret: Secret): Secret {
  return new Secret(createHmac('sha256', secret.reveal()).update('pulsewire.operator.v1').digest('hex'))
}
