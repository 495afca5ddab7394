/** Names of symbols, patterns and groups (protocol.md section 11), in words. */
export const NAME_RULE = '1 to 64 characters, none of them a control character or an invisible one'

/** Also what is not seen and what turns the direction of writing: two names must not look the same. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/u

/** Whether it keeps to `NAME_RULE`, in UTF-16 code units, and is well-formed. */
export function isValidName(text: string): boolean {
  return text.length >= 1 && text.length <= 64 && !UNSEEN.test(text) && text.isWellFormed()
}
