import { TOKEN_CODES, type TokenCode } from '@pulsewire/protocol'

/** A token that is not accepted. The message never holds any of it but what names it: an algorithm, a claim's name. */
export class TokenError extends Error {
  readonly code: TokenCode

  constructor(code: TokenCode, more = '', options: { readonly cause?: unknown } = {}) {
    super(more === '' ? TOKEN_CODES[code] : `${TOKEN_CODES[code]} ${more}`, options)
    this.name = 'TokenError'
    this.code = code
  }
}
