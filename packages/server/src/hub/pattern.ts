const STAR = 42
const QUESTION_MARK = 63

/**
 * A matcher for a pattern: `*` stands for any run of characters, `?` for one, everything else for itself. No regular
 * expression, because receivers choose patterns: one with many stars would let it backtrack for minutes. Here a failed
 * match only ever goes back to the last star, so the cost is at most the product of the two lengths.
 */
export function matcherOf(pattern: string): (name: string) => boolean {
  return (name) => {
    let at = 0
    let inName = 0
    let star = -1
    let afterStar = 0
    while (inName < name.length) {
      const wanted = pattern.charCodeAt(at)
      if (wanted === STAR) {
        star = at++
        afterStar = inName
      } else if (wanted === QUESTION_MARK) {
        at++
        inName += lengthAt(name, inName)
      } else if (wanted === name.charCodeAt(inName)) {
        at++
        inName++
      } else if (star >= 0) {
        // The star takes one character more.
        at = star + 1
        afterStar += lengthAt(name, afterStar)
        inName = afterStar
      } else return false
    }
    while (pattern.charCodeAt(at) === STAR) at++
    return at === pattern.length
  }
}

/** Code units of the character at an index: 2 outside the basic plane. */
function lengthAt(text: string, index: number): number {
  return text.codePointAt(index)! > 0xffff ? 2 : 1
}

/** Whether a configured group member or a subscription is a pattern rather than a name. */
export function isPattern(text: string): boolean {
  return text.includes('*') || text.includes('?')
}

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/u

/** Symbols and patterns: 1 to 64 characters, none of them a control character. */
export function isValidName(text: string): boolean {
  return text.length >= 1 && text.length <= 64 && !CONTROL.test(text) && text.isWellFormed()
}
