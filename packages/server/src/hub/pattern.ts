const STAR = 42
const QUESTION_MARK = 63

/**
 * A matcher for a pattern: `*` stands for any run of characters, `?` for one, everything else for itself. No regular
 * expression, because receivers choose patterns: one with many stars would let it backtrack for minutes.
 */
export function matcherOf(pattern: string): (name: string) => boolean {
  if (pattern.includes('?')) return (name) => matches(pattern, name)
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return (name) => name === pattern
  const inner = rest.filter((part) => part !== '')
  const charsMin = head.length + tail.length
  // Nearly all names of a feed fail at one of the first two, which cost next to nothing.
  return (name) =>
    name.length >= charsMin &&
    name.endsWith(tail) &&
    name.startsWith(head) &&
    holdsInOrder(name, inner, head.length, name.length - tail.length)
}

/** Whether the parts stand one behind the other between two indexes. */
function holdsInOrder(name: string, parts: readonly string[], start: number, end: number): boolean {
  let at = start
  for (const part of parts) {
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= end
}

/** A failed match only ever goes back to the last star, so the cost is at most the product of the two lengths. */
function matches(pattern: string, name: string): boolean {
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

/** Whether there can be a name that both patterns match. */
export function canMeet(one: string, other: string): boolean {
  const a = [...one]
  const b = [...other]
  if (differ(a, b, 0, 1) || differ(a, b, -1, -1)) return false
  // Whether what is left of both from here on can meet, from the end on: a row for each place in the first.
  let below = b.map(() => false)
  for (let i = a.length; i >= 0; i--) {
    const row = new Array<boolean>(b.length + 1).fill(false)
    for (let j = b.length; j >= 0; j--) {
      if (i === a.length && j === b.length) row[j] = true
      else if (a[i] === '*') row[j] = below[j] === true || row[j + 1] === true
      else if (b[j] === '*') row[j] = row[j + 1] === true || below[j] === true
      else if (i < a.length && j < b.length) row[j] = (a[i] === '?' || b[j] === '?' || a[i] === b[j]) && below[j + 1] === true
    }
    below = row
  }
  return below[0] === true
}

/** Whether two patterns differ before a star lets either of them go on as it likes: nearly all that do not meet do so. */
function differ(a: readonly string[], b: readonly string[], from: number, step: 1 | -1): boolean {
  for (let at = from; ; at += step) {
    const [left, right] = [a.at(at), b.at(at)]
    if (left === undefined || right === undefined) return left !== right && left !== '*' && right !== '*'
    if (left === '*' || right === '*') return false
    if (left !== right && left !== '?' && right !== '?') return true
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
