/** Compiles a pattern: `*` stands for any run of characters, `?` for one, everything else for itself. */
export function compilePattern(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`, 'su')
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
