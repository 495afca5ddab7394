import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose'
import type { TokenCode } from '@pulsewire/protocol'
import { TokenError } from './errors.ts'
import type { FindKeys } from './keys.ts'

export interface VerifierOptions {
  readonly algorithms: readonly string[]
  readonly issuer: string
  readonly audience: string
  /** What `typ` has to be. Absent: any, or none. */
  readonly type?: string
  /** How far clocks of issuer and node may differ. */
  readonly clockToleranceMs: number
  /** Longer-lived ones are refused: a revocation is kept no longer than this. */
  readonly lifeMaxMs: number
}

const CLAIM_CODES: Readonly<Record<string, TokenCode>> = {
  aud: 'token_audience',
  iss: 'token_issuer',
  typ: 'token_type',
  nbf: 'token_early',
}

/** Checks signature and times of a token; RFC 8725 says against what. */
export class TokenVerifier {
  readonly #options: VerifierOptions
  readonly #findKeys: FindKeys
  readonly #nowMs: () => number

  constructor(options: VerifierOptions, findKeys: FindKeys, nowMs: () => number) {
    this.#options = options
    this.#findKeys = findKeys
    this.#nowMs = nowMs
  }

  /** @throws TokenError */
  async verify(token: string): Promise<JWTPayload & { readonly iat: number; readonly exp: number }> {
    const { algorithms, issuer, audience, type, clockToleranceMs, lifeMaxMs } = this.#options
    try {
      const header = decodeProtectedHeader(token)
      // Before any key is looked for: what `none` and its like name must not matter.
      if (header.alg === undefined || !algorithms.includes(header.alg)) throw new TokenError('token_algorithm')
      const keys = await this.#findKeys(header)
      const payload = await this.#verifyWith(keys, token, {
        algorithms: [header.alg],
        issuer,
        audience,
        ...(type === undefined ? {} : { typ: type }),
        clockTolerance: clockToleranceMs / 1000,
        currentDate: new Date(this.#nowMs()),
        requiredClaims: ['iat', 'exp'],
      })
      const { iat, exp } = payload as { iat: number; exp: number }
      if ((exp - iat) * 1000 > lifeMaxMs) throw new TokenError('token_life', `At most ${lifeMaxMs / 1000} s are allowed.`)
      if (iat * 1000 > this.#nowMs() + clockToleranceMs) throw new TokenError('token_early', 'It says that it will be issued.')
      return { ...payload, iat, exp }
    } catch (error) {
      throw toTokenError(error)
    }
  }

  async #verifyWith(keys: Awaited<ReturnType<FindKeys>>, token: string, options: Parameters<typeof jwtVerify>[2]): Promise<JWTPayload> {
    let failure: unknown = new TokenError('token_key_unknown')
    for (const key of keys) {
      try {
        return (await jwtVerify(token, key, options)).payload
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
        failure = error
      }
    }
    throw failure
  }
}

function toTokenError(error: unknown): TokenError {
  if (error instanceof TokenError) return error
  return new TokenError(codeOf(error), error instanceof errors.JWTClaimValidationFailed ? `The claim is ${error.claim}.` : '', {
    cause: error,
  })
}

function codeOf(error: unknown): TokenCode {
  if (error instanceof errors.JWTExpired) return 'token_expired'
  if (error instanceof errors.JWTClaimValidationFailed) return CLAIM_CODES[error.claim] ?? 'token_claims'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'token_signature'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token_algorithm'
  return 'token_malformed'
}
