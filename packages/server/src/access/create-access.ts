import { createHmac } from 'node:crypto'
import { type Directory, NO_REVOCATIONS } from '../directory/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { type AccessConfig, type InnerConfig, Secret, type SecretSource } from '../runtime/config/index.ts'
import type { FileWatch } from '../runtime/file-watch.ts'
import { CHANGE_OVER_MS, LiveSecrets } from '../runtime/live-secrets.ts'
import type { Logger } from '../runtime/logger.ts'
import { Access, type ServiceCredential } from './access.ts'
import { EVERY_FEED } from './entitlements.ts'
import { createKeys, type Keys } from './keys.ts'
import { Policy } from './policy.ts'
import { TokenVerifier } from './token-verifier.ts'

/**
 * What probes subscribe to, because pulses come only to who subscribes. This is the cheapest subscription that is owed
 * them: a pattern without a wildcard, for a name that no symbol has. No node keeps a symbol for it, and a new symbol
 * costs one comparison.
 */
export const PROBE_PATTERN = '.pulsewire.probe'

/**
 * How those begin to say who they are that only look whether they are let in, and leave at once. There are many, one after
 * the other: what happens to them is not written down, where they name no user.
 */
export const ENTRY_CLIENT = 'pulsewire-entry/'

/** What files with secrets and keys are followed by. */
export interface FollowDeps {
  readonly watch: FileWatch
  readonly clock: Clock
  readonly logger: Logger
}

export interface AccessDeps extends FollowDeps {
  /** Where revocations are heard. Default: there are none. */
  readonly directory?: Directory
  /** Operators come in with a proof of it, to ask; they see no quotes. */
  readonly operatorSecret?: Secret
  /** By which other nodes come in, and see everything. */
  readonly inner?: LiveSecrets
  /** Unix time in ms; default that of the machine's clock. */
  readonly wallMs?: () => number
}

/** @returns null where everybody may come in. @throws PulsewireError `access_keys` */
export function createAccess(config: AccessConfig, deps: AccessDeps): Access | null {
  if (config.mode === 'open') return null
  const nowMs = deps.wallMs ?? (() => Date.now())
  const { directory, operatorSecret } = deps
  const keys = createKeys(config, deps.logger, nowMs)
  const { clockToleranceMs, refreshAheadMs, tokenLifeMaxMs, roles, defaultRole, anonymousRole, userClaim, claim } = config
  const { probeSecrets, probeSource } = config
  const probes = new LiveSecrets({ ...deps, ...from(probeSecrets, probeSource), keptMs: CHANGE_OVER_MS })
  const services = (): ServiceCredential[] => [
    ...probes.accepted.map((secret) => ({ user: '', secret, feeds: { [EVERY_FEED]: [PROBE_PATTERN] } })),
    ...nodes(deps.inner?.accepted ?? []),
    ...operators(operatorSecret),
  ]
  const access = new Access({
    verifier: new TokenVerifier(
      { ...config, lifeMaxMs: tokenLifeMaxMs, issuer: config.issuer!, audience: config.audience! },
      keys.find,
      nowMs,
    ),
    policy: new Policy({ roles, ...(defaultRole === undefined ? {} : { defaultRole }) }),
    userClaim,
    claim,
    ...(anonymousRole === undefined ? {} : { anonymousRole }),
    services: services(),
    revocations: directory?.revocations ?? NO_REVOCATIONS,
    isKnown: () => directory?.isReadBack ?? true,
    clockToleranceMs,
    refreshAheadMs,
    nowMs,
  })
  for (const secrets of [probes, deps.inner]) secrets?.onChange(() => access.letIn(services()))
  followKeys(config, keys, deps)
  return access
}

/** Keys and secrets that tokens are signed with. One that is taken out counts no more at once; sessions last as long as their tokens. */
function followKeys(config: AccessConfig, keys: Keys, deps: FollowDeps): void {
  const signing = new LiveSecrets({ ...deps, ...from(config.secrets, config.source) })
  const { watch, logger } = deps
  const replace = (why: string): void => {
    try {
      keys.replace(signing.accepted)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      return logger.error('secrets_unusable', `${message}; the keys before stay in use`, {})
    }
    logger.info('keys_reread', `the keys that tokens are checked by were read anew: ${why}`, {})
  }
  signing.onChange(() => replace('their secrets are others'))
  watch.follow(config.keyFiles, replace)
}

function from(secrets: readonly Secret[], source: SecretSource | undefined) {
  return { secrets, ...(source === undefined ? {} : { source }) }
}

/** The secrets of the hop between nodes; of a node that was given a new file a little later than others, the old ones are taken for a while. */
export function innerSecrets(config: InnerConfig, deps: FollowDeps): LiveSecrets {
  return new LiveSecrets({ ...deps, ...from(config.secrets, config.source), keptMs: CHANGE_OVER_MS })
}

const EVERYTHING = { [EVERY_FEED]: ['*'] }

/** @returns null where any node may come in: there is no secret by which to tell. */
export function createInnerAccess(
  inner: LiveSecrets,
  { takesCertificates, operatorSecret }: { readonly takesCertificates: boolean; readonly operatorSecret?: Secret },
): Access | null {
  if (inner.accepted.length === 0 && !takesCertificates) return null
  const services = () => [...nodes(inner.accepted), ...operators(operatorSecret)]
  const access = new Access({
    verifier: null,
    policy: new Policy({ roles: {} }),
    userClaim: '',
    claim: '',
    services: services(),
    ...(takesCertificates ? { certifiedFeeds: EVERYTHING } : {}),
    revocations: NO_REVOCATIONS,
    isKnown: () => true,
    clockToleranceMs: 0,
    refreshAheadMs: 0,
    nowMs: () => Date.now(),
  })
  inner.onChange(() => access.letIn(services()))
  return access
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
