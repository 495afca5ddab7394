import { createHash, timingSafeEqual } from 'node:crypto'
import type { Revocation, Revocations } from '../directory/index.ts'
import type { Secret } from '../runtime/config/index.ts'
import { Entitlements, type FeedRules } from './entitlements.ts'
import { TokenError } from './errors.ts'
import { type Grant, NO_LIMITS } from './grant.ts'
import type { Policy } from './policy.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** Who is let in by a secret of the installation instead of a token: balancers' probes, operators. */
export interface ServiceCredential {
  readonly user: string
  readonly secret: Secret
  /** What its connections may subscribe to. */
  readonly feeds: FeedRules
}

export interface AccessOptions {
  /** `null`: there are no users here, only nodes. */
  readonly verifier: TokenVerifier | null
  readonly policy: Policy
  readonly userClaim: string
  /** The claim that holds entitlements. */
  readonly claim: string
  /** What connections without a token get, as a configured role. Absent: nothing, they are refused. */
  readonly anonymousRole?: string
  readonly services: readonly ServiceCredential[]
  /** What who shows a good certificate may subscribe to. Absent: certificates do not count. */
  readonly certifiedFeeds?: FeedRules
  readonly revocations: Revocations
  /** Whether all revocations there are have been read. */
  readonly isKnown: () => boolean
  readonly clockToleranceMs: number
  /** How long before its end a new token is asked for. */
  readonly refreshAheadMs: number
  /** Of the wall clock, of which tokens speak. */
  readonly nowMs: () => number
}

const USER_CHARS_MAX = 128

/** Decides whom a gateway lets in, to what, and for how long. */
export class Access {
  readonly #options: AccessOptions
  #services: readonly { readonly digest: Buffer; readonly grant: Grant }[] = []
  readonly #anonymous: Grant | null
  readonly #certified: Grant | null
  readonly #connections = new Map<string, number>()

  constructor(options: AccessOptions) {
    this.#options = options
    this.letIn(options.services)
    const { anonymousRole, policy, certifiedFeeds } = options
    this.#certified = certifiedFeeds === undefined ? null : unlimited('', new Entitlements([certifiedFeeds]))
    this.#anonymous = anonymousRole === undefined ? null : { ...unlimited('', new Entitlements([])), ...policy.ofRole(anonymousRole) }
  }

  /** From now on these come in by their secrets, and no others; who is in stays in. */
  letIn(services: readonly ServiceCredential[]): void {
    this.#services = services.map(({ user, secret, feeds }) => ({
      digest: digestOf(secret.reveal()),
      grant: unlimited(user, new Entitlements([feeds])),
    }))
  }

  /** Whether it can judge anybody yet. */
  get ready(): boolean {
    return this.#options.isKnown()
  }

  get refreshAheadMs(): number {
    return this.#options.refreshAheadMs
  }

  /** Grows whenever something was revoked. */
  get revision(): number {
    return this.#options.revocations.version
  }

  nowMs(): number {
    return this.#options.nowMs()
  }

  /** @throws TokenError when nobody may come in with it. */
  async admit(token: string | undefined, isCertified = false): Promise<Grant> {
    if (isCertified && this.#certified !== null) return this.#certified
    if (token === undefined || token === '') {
      if (this.#anonymous === null) throw new TokenError('token_missing')
      return this.#anonymous
    }
    return this.#serviceOf(token) ?? this.#grantOf(token)
  }

  /** What a new token gives a session in progress. @throws TokenError */
  async renew(before: Grant, token: string): Promise<Grant> {
    const grant = await this.#grantOf(token)
    // Who has no name yet may get one; what is counted and written down by a name must not change hands.
    if (before.user !== '' && grant.user !== before.user) throw new TokenError('token_user')
    return grant
  }

  /** Why the grant counts no more, if it does not. */
  objection(grant: Grant): 'expired' | 'revoked' | undefined {
    if (this.#isRevoked(grant)) return 'revoked'
    return this.nowMs() >= grant.expiresAtMs + this.#options.clockToleranceMs ? 'expired' : undefined
  }

  /** Takes a place among the user's connections. @returns false when there is none; `leave` gives it back. */
  enter({ user, limits }: Grant): boolean {
    if (user === '') return true
    const connections = this.#connections.get(user) ?? 0
    if (connections >= limits.connections) return false
    this.#connections.set(user, connections + 1)
    return true
  }

  leave({ user }: Grant): void {
    const connections = this.#connections.get(user)
    if (connections === undefined) return
    if (connections > 1) this.#connections.set(user, connections - 1)
    else this.#connections.delete(user)
  }

  #serviceOf(token: string): Grant | undefined {
    const digest = digestOf(token)
    let found: Grant | undefined
    // All are compared, each in constant time.
    for (const service of this.#services) if (timingSafeEqual(service.digest, digest)) found = service.grant
    return found
  }

  async #grantOf(token: string): Promise<Grant> {
    const { verifier, policy, userClaim, claim } = this.#options
    if (verifier === null) throw new TokenError('token_secret')
    const claims = await verifier.verify(token)
    const user = claims[userClaim]
    if (typeof user !== 'string' || user === '' || user.length > USER_CHARS_MAX)
      throw new TokenError('token_claims', `The claim is ${userClaim}: expected the user's name, of at most ${USER_CHARS_MAX} characters.`)
    const grant: Grant = {
      user,
      tokenId: typeof claims.jti === 'string' ? claims.jti : null,
      issuedAtMs: claims.iat * 1000,
      expiresAtMs: claims.exp * 1000,
      ...policy.rights(claims[claim]),
    }
    if (this.#isRevoked(grant)) throw new TokenError('token_revoked')
    return grant
  }

  #isRevoked({ user, tokenId, issuedAtMs }: Grant): boolean {
    const { revocations } = this.#options
    if (tokenId !== null && revocations.find('jti', tokenId) !== undefined) return true
    const ofUser = user === '' ? undefined : revocations.find('user', user)
    return ofUser !== undefined && this.#isBefore(issuedAtMs, ofUser)
  }

  /** Whoever issued the token, and whoever revoked it, may have clocks that differ: in doubt it is revoked. */
  #isBefore(issuedAtMs: number, { atMs }: Revocation): boolean {
    return issuedAtMs <= atMs + this.#options.clockToleranceMs
  }
}

function unlimited(user: string, entitlements: Entitlements): Grant {
  return { user, tokenId: null, issuedAtMs: Infinity, expiresAtMs: Infinity, entitlements, limits: NO_LIMITS }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
