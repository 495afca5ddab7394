import { exportJWK, exportSPKI, generateKeyPair, type CryptoKey, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'

export const ISSUER = 'https://login.test'
export const AUDIENCE = 'pulsewire-test'

/** What a token says beside issuer and audience; times in seconds from now. */
export interface TokenOptions {
  readonly user?: string | undefined
  readonly jti?: string
  readonly issuedInS?: number
  readonly expiresInS?: number
  /** What the user may see. */
  readonly rights?: unknown
  /** In place of what it would say. */
  readonly claims?: JWTPayload
  readonly header?: Partial<JWTHeaderParameters>
}

/** An issuer of tokens, with one key. */
export class Issuer {
  readonly kid: string | undefined
  readonly alg: string
  readonly #privateKey: CryptoKey | Uint8Array
  readonly #publicKey: CryptoKey | undefined
  /** Unix time in ms. */
  readonly nowMs: () => number

  private constructor(alg: string, kid: string | undefined, privateKey: CryptoKey | Uint8Array, publicKey?: CryptoKey, nowMs = Date.now) {
    this.alg = alg
    this.kid = kid
    this.#privateKey = privateKey
    this.#publicKey = publicKey
    this.nowMs = nowMs
  }

  static async make(options: { readonly alg?: string; readonly kid?: string; readonly nowMs?: () => number } = {}): Promise<Issuer> {
    const alg = options.alg ?? 'ES256'
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    return new Issuer(alg, options.kid, privateKey, publicKey, options.nowMs)
  }

  static ofSecret(secret: string, alg = 'HS256', nowMs?: () => number): Issuer {
    return new Issuer(alg, undefined, new TextEncoder().encode(secret), undefined, nowMs)
  }

  async jwk(): Promise<JWK> {
    return { ...(await exportJWK(this.#publicKey!)), alg: this.alg, ...(this.kid === undefined ? {} : { kid: this.kid }) }
  }

  pem(): Promise<string> {
    return exportSPKI(this.#publicKey!)
  }

  token(options: TokenOptions = {}): Promise<string> {
    const nowS = Math.floor(this.nowMs() / 1000)
    const { user = 'ann', jti, issuedInS = 0, expiresInS = 600, rights, claims, header } = options
    const payload: JWTPayload = {
      iss: ISSUER,
      aud: AUDIENCE,
      sub: user,
      iat: nowS + issuedInS,
      exp: nowS + expiresInS,
      ...(jti === undefined ? {} : { jti }),
      pulsewire: rights ?? { feeds: { '*': ['*'] } },
      ...claims,
    }
    return new SignJWT(payload)
      .setProtectedHeader({ alg: this.alg, ...(this.kid === undefined ? {} : { kid: this.kid }), ...header })
      .sign(this.#privateKey)
  }
}
