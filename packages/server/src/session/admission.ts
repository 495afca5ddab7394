import type { UpstreamFrame } from '@pulsewire/protocol'
import { type Access, type Grant, TokenError } from '../access/index.ts'
import type { BadFrame } from './inbound.ts'

/** What a receiver may send while its token is checked, in messages of the largest size. */
const HELD_MESSAGES_MAX = 4

/** How far into the time before the end of a token another one is asked for, again and again. */
const ASKS_AT = [1, 0.5, 0.25]

/** A session's standing with `Access`: whether its token was taken, and until when it counts. */
export class Admission {
  readonly #access: Access
  readonly #heldBytesMax: number
  #grant: Grant | null = null
  /** What came behind `hello`, while the token is checked. */
  #held: (UpstreamFrame | BadFrame)[] = []
  #heldBytes = 0
  #left = false
  #renewing = false
  #revision = -1
  /** How often a new token was asked for. */
  #asked = 0

  constructor(access: Access, messageBytesMax: number) {
    this.#access = access
    this.#heldBytesMax = HELD_MESSAGES_MAX * messageBytesMax
  }

  get grant(): Grant | null {
    return this.#grant
  }

  /** @returns false when it is more than is kept. */
  hold(bytes: number): boolean {
    this.#heldBytes += bytes
    return this.#heldBytes <= this.#heldBytesMax
  }

  keep(frame: UpstreamFrame | BadFrame): void {
    this.#held.push(frame)
  }

  takeHeld(): readonly (UpstreamFrame | BadFrame)[] {
    return this.#held.splice(0)
  }

  /** @throws TokenError; `false`: the user has as many connections as the token allows, or the session ended meanwhile. */
  async admit(token: string | undefined, isCertified: boolean): Promise<boolean> {
    const revision = this.#access.revision
    const grant = await this.#access.admit(token, isCertified)
    if (this.#left || !this.#access.enter(grant)) return false
    this.#grant = grant
    this.#revision = revision
    return true
  }

  get isRenewing(): boolean {
    return this.#renewing
  }

  /** A new token for the session in progress. @throws TokenError, with the old one still in force. */
  async renew(token: string): Promise<Grant | null> {
    this.#renewing = true
    try {
      const before = this.#grant!
      const revision = this.#access.revision
      const grant = await this.#access.renew(before, token)
      if (this.#left) return null
      if (grant.user !== before.user) {
        if (!this.#access.enter(grant)) throw new TokenError('token_user', 'That user has as many connections as the token allows.')
        this.#access.leave(before)
      }
      this.#grant = grant
      this.#revision = revision
      this.#asked = 0
      return grant
    } finally {
      this.#renewing = false
    }
  }

  /** Called now and then: whether the token is over, or another one is due. */
  check(): 'expired' | 'revoked' | 'refresh' | undefined {
    const grant = this.#grant
    if (grant === null) return undefined
    const isNews = this.#access.revision !== this.#revision
    if (!isNews && grant.expiresAtMs === Infinity) return undefined
    this.#revision = this.#access.revision
    const objection = this.#access.objection(grant)
    if (objection !== undefined) return objection
    // Of a token that lives for less than twice the time, half of its life.
    const aheadMs = Math.min(this.#access.refreshAheadMs, (grant.expiresAtMs - grant.issuedAtMs) / 2)
    const part = ASKS_AT[this.#asked]
    if (part === undefined || this.#access.nowMs() < grant.expiresAtMs - aheadMs * part) return undefined
    this.#asked++
    return 'refresh'
  }

  leave(): void {
    if (this.#left) return
    this.#left = true
    this.#held = []
    if (this.#grant !== null) this.#access.leave(this.#grant)
  }
}
