import { createHash } from 'node:crypto'
import type { Saying } from './saying.ts'

/** Who takes part in a grey release, as an operator said it. */
export interface GreyRelease extends Saying {
  /** Part of all users, 0 to 100. */
  readonly percent: number
  /** Digests of users that take part in any case (`greyDigest`): names are nobody's business in the control topic. */
  readonly users: readonly string[]
  /** `false`: balancers do not stop it, whatever they see. Absent: they do when it is worse. */
  readonly guarded?: boolean
}

/** A balancer's word that a release is over because it was worse. Whatever an operator says afterwards counts again. */
export interface GreyStop {
  /** `atMs` of the release that it stops: of another one it means nothing. */
  readonly of: number
  /** The balancer that decided. */
  readonly by: string
  /** What was worse, by how much, for how long. */
  readonly reason: string
  /** Unix time of the balancer, ms. */
  readonly atMs: number
}

/** Of a reason that is written down. */
export const GREY_REASON_CHARS_MAX = 500

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
  /** Why nobody takes part any more; `null`: it goes on. */
  readonly stopped: GreyStop | null
  readonly #users: ReadonlySet<string>

  /** @param stop the newest that is known, of this release or another one. */
  constructor(release: GreyRelease, stop: GreyStop | null = null) {
    this.release = release
    this.stopped = stop?.of === release.atMs ? stop : null
    this.#users = new Set(release.users)
  }

  includes(user: string): boolean {
    if (this.stopped !== null) return false
    const digest = greyDigest(user)
    if (this.#users.has(digest)) return true
    // 48 bits of it are a fraction of 1.
    return Number.parseInt(digest.slice(0, 12), 16) / 2 ** 48 < this.release.percent / 100
  }
}

/** What the control topic says of the grey release: the latest word, whichever order they are read in. */
export class GreyBook {
  policy: GreyPolicy | null = null
  #said: GreyRelease | null = null
  #stop: GreyStop | null = null

  /** When the latest word was said, Unix ms; 0: nothing was. Whoever says another one says it later than that. */
  get saidAtMs(): number {
    return this.#said?.atMs ?? 0
  }

  /** The latest word; one in which nobody takes part when the release was ended. `null`: nothing was said. */
  get said(): GreyRelease | null {
    return this.#said
  }

  /** @returns whether it counts: not when a later one is known. */
  say(release: GreyRelease): boolean {
    if (release.atMs < this.saidAtMs) return false
    this.#said = release
    this.#judge()
    return true
  }

  /**
   * Of several on one release the first counts: it is the one by which it was stopped; and none on an earlier release.
   * @returns whether it counts.
   */
  stop(stop: GreyStop): boolean {
    if (this.#stop !== null && stop.of <= this.#stop.of) return false
    this.#stop = stop
    this.#judge()
    return true
  }

  forget(): void {
    this.#said = null
    this.#judge()
  }

  forgetStop(): void {
    this.#stop = null
  }

  #judge(): void {
    const said = this.#said
    const isOff = said === null || (said.percent === 0 && said.users.length === 0)
    this.policy = isOff ? null : new GreyPolicy(said, this.#stop)
  }
}
