import type { HelloFrame, UpstreamFrame } from '@pulsewire/protocol'
import { type Grant, TokenError } from '../access/index.ts'
import type { Admission } from './admission.ts'
import type { SessionContext } from './context.ts'
import type { BadFrame } from './inbound.ts'
import type { Session } from './session.ts'

/** What passes between a session and its receiver about tokens: the first, new ones, those that were not taken, and the end of each. */
export class Credentials {
  readonly #session: Session
  readonly #context: SessionContext
  readonly #admission: Admission

  constructor(session: Session, context: SessionContext, admission: Admission) {
    this.#session = session
    this.#context = context
    this.#admission = admission
  }

  /** Keeps what comes while the token is checked. */
  keep(frame: UpstreamFrame | BadFrame): void {
    this.#admission.keep(frame)
  }

  /** @returns false when more comes meanwhile than is kept. */
  hold(bytes: number): boolean {
    return this.#admission.hold(bytes)
  }

  check(hello: HelloFrame, token: string | undefined, isCertified: boolean): void {
    this.#admission.admit(token, isCertified).then(
      (isIn) => this.#admitted(hello, isIn),
      (error: unknown) => this.#denied(error),
    )
  }

  #admitted(hello: HelloFrame, isIn: boolean): void {
    if (this.#session.isOver) return
    if (!isIn) return this.#session.close('too_many_connections', 'the user has as many connections as the token allows')
    const grant = this.#admission.grant!
    this.#session.admitted(hello, grant, this.#admission.takeHeld())
  }

  /** What is wrong with a token is said by code, in the error and in the reason. */
  #denied(error: unknown): void {
    const session = this.#session
    if (session.isOver) return
    if (!(error instanceof TokenError)) {
      this.#context.log.error('admission_failed', 'a token could not be checked', { session: session.id, error })
      return session.close('internal_error', 'a token could not be checked')
    }
    const { code, message } = error
    this.#context.denied(session, code)
    session.say({ t: 'error', code, message })
    const reason = code === 'token_unchecked' ? 'keys_unavailable' : code === 'token_revoked' ? 'revoked' : 'unauthorized'
    session.close(reason, `${code}: ${message}`)
  }

  /** A new token for the session in progress. */
  renew(token: string): void {
    if (this.#admission.isRenewing) return this.#session.bad('bad_frame', 'a token is being checked already')
    this.#admission.renew(token).then(
      (grant) => {
        if (grant !== null && !this.#session.isOver) this.#session.regranted(grant)
      },
      (error: unknown) => this.#notRenewed(error),
    )
  }

  /** The old one goes on for as long as it is good. */
  #notRenewed(error: unknown): void {
    if (this.#session.isOver || !(error instanceof TokenError)) return this.#denied(error)
    this.#context.denied(this.#session, error.code)
    this.#context.notes?.note(this.#session, 'refused', `a new token: ${error.code}`)
    this.#session.bad(error.code, error.message)
  }

  tellExpiry({ expiresAtMs }: Grant): void {
    if (expiresAtMs !== Infinity) this.#session.say({ t: 'token', expiresAt: expiresAtMs })
  }

  /** Called now and then: asks for another token in time, ends a session without a good one. */
  look(): void {
    const due = this.#admission.check()
    if (due === undefined) return
    if (due === 'refresh') this.#session.say({ t: 'token', expiresAt: this.#admission.grant!.expiresAtMs, refresh: true })
    else if (due === 'revoked') this.#session.close('revoked', 'the token was revoked, or all tokens of its user')
    else this.#session.close('token_expired', 'the token has expired, and no new one came')
  }

  leave(): void {
    this.#admission.leave()
  }
}
