import assert from 'node:assert/strict'

/**
 * Deep equality as far as JSON can tell: −0 is 0, and a number too large for a double (`1e999`) is `null`, for which JSON
 * has no other word. `assert.deepEqual` tells them apart, and takes a stack as deep as the value.
 */
export function assertSame(actual: unknown, wanted: unknown, message?: string): void {
  if (isSame(actual, wanted)) return
  assert.deepEqual(actual, wanted, message ?? 'not the same')
}

function isSame(a: unknown, b: unknown): boolean {
  const open: [unknown, unknown][] = [[a, b]]
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [left, right] = pair.map(asJson)
    if (left === right) continue
    if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
    if (Array.isArray(left) !== Array.isArray(right)) return false
    const names = Object.keys(left)
    if (names.length !== Object.keys(right).length) return false
    for (const name of names) {
      if (!Object.hasOwn(right, name)) return false
      open.push([(left as Record<string, unknown>)[name], (right as Record<string, unknown>)[name]])
    }
  }
  return true
}

function asJson(value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? null : value
}
