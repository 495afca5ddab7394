import * as z from 'zod'
import { Entitlements, type FeedRules } from './entitlements.ts'
import { TokenError } from './errors.ts'
import { type GrantLimits, NO_LIMITS } from './grant.ts'

/** What a configured role gives. */
export interface RolePolicy {
  readonly feeds: FeedRules
  readonly limits: Partial<GrantLimits>
}

export interface PolicyOptions {
  readonly roles: Readonly<Record<string, RolePolicy>>
  /** Of tokens that say nothing of entitlements. Absent: they are refused. */
  readonly defaultRole?: string
}

const RULES_MAX = 5000
/** Sets of rules that are kept compiled: most users share theirs. */
const COMPILED_MAX = 10_000

const subject = z.string().min(1).max(64)
const limit = z.number().positive()

/** The claim, by default `pulsewire`. What it holds beyond this is refused: a right that was misspelt must not be lost in silence. */
const claimSchema = z.strictObject({
  roles: z.array(z.string().max(64)).max(64).optional(),
  feeds: z.record(z.string().min(1).max(64), z.array(subject).max(RULES_MAX)).optional(),
  limits: z
    .strictObject({
      connections: limit.optional(),
      subscriptions: limit.optional(),
      patterns: limit.optional(),
      maxRate: limit.min(0.1).optional(),
    })
    .optional(),
})

export interface Rights {
  readonly entitlements: Entitlements
  readonly limits: GrantLimits
}

/** From what a token says, and what is configured of roles, to what somebody may see. */
export class Policy {
  readonly #options: PolicyOptions
  readonly #compiled = new Map<string, Entitlements>()

  constructor(options: PolicyOptions) {
    this.#options = options
  }

  /** @throws TokenError `token_claims` when the claim is not what it should be, or names a role that is not configured. */
  rights(claim: unknown): Rights {
    const { roles, defaultRole } = this.#options
    if (claim === undefined && defaultRole === undefined) throw new TokenError('token_claims', 'It says nothing of entitlements.')
    const parsed = claimSchema.safeParse(claim ?? { roles: [defaultRole] })
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!
      throw new TokenError('token_claims', `Entitlements${issue.path.map((key) => `.${String(key)}`).join('')}: ${issue.message}.`)
    }
    const { roles: names = [], feeds = {}, limits = {} } = parsed.data
    const given = names.map((name) => {
      if (!Object.hasOwn(roles, name)) throw new TokenError('token_claims', 'It names a role that is not configured.')
      return roles[name]!
    })
    return {
      entitlements: this.#compile([...given.map((role) => role.feeds), feeds]),
      limits: { ...mostOf(given.map((role) => role.limits)), ...withoutUndefined(limits) },
    }
  }

  /** Of a configured role by itself. */
  ofRole(name: string): Rights {
    return this.rights({ roles: [name] })
  }

  #compile(rules: readonly FeedRules[]): Entitlements {
    const key = JSON.stringify(rules)
    let compiled = this.#compiled.get(key)
    if (compiled !== undefined) return compiled
    compiled = new Entitlements(rules)
    const oldest = this.#compiled.keys().next()
    if (this.#compiled.size >= COMPILED_MAX && oldest.done !== true) this.#compiled.delete(oldest.value)
    this.#compiled.set(key, compiled)
    return compiled
  }
}

/** Of several roles, each limit is the widest; one that a role does not have is none. */
function mostOf(limits: readonly Partial<GrantLimits>[]): GrantLimits {
  if (limits.length === 0) return NO_LIMITS
  const most = (name: keyof GrantLimits): number => Math.max(...limits.map((each) => each[name] ?? Infinity))
  return { connections: most('connections'), subscriptions: most('subscriptions'), patterns: most('patterns'), maxRate: most('maxRate') }
}

function withoutUndefined(limits: { readonly [name in keyof GrantLimits]?: number | undefined }): Partial<GrantLimits> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}
