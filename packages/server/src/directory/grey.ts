import { createHash } from 'node:crypto'

/** Who takes part in a grey release, as an operator said it. */
export interface GreyRelease {
  /** Part of all users, 0 to 100. */
  readonly percent: number
  /** Digests of users that take part in any case (`greyDigest`): names are nobody's business in the control topic. */
  readonly users: readonly string[]
  /** When it was said, Unix time of whoever said it, ms. */
  readonly atMs: number
}

/** Users that are named at most; a part of all users is for more. */
export const GREY_USERS_MAX = 10_000
const DIGEST_CHARS = 16

export function greyDigest(user: string): string {
  return createHash('sha256').update(`grey:${user}`).digest('hex').slice(0, DIGEST_CHARS)
}

/**
 * Says of a user whether they take part. It depends on the user's name and on what was said, on nothing else: every balancer says
 * the same, for as long as nobody says otherwise; and of a larger part the smaller one is always a part.
 */
export class GreyPolicy {
  readonly release: GreyRelease
  readonly #users: ReadonlySet<string>

  constructor(release: GreyRelease) {
    this.release = release
    this.#users = new Set(release.users)
  }

  includes(user: string): boolean {
    const digest = greyDigest(user)
    if (this.#users.has(digest)) return true
    // 48 bits of it are a fraction of 1.
    return Number.parseInt(digest.slice(0, 12), 16) / 2 ** 48 < this.release.percent / 100
  }
}
