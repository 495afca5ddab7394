import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canMeet, isPattern, matcherOf } from './pattern.ts'

const MATCHES: readonly (readonly [pattern: string, matching: readonly string[], others: readonly string[]])[] = [
  ['*.HK', ['0700.HK', '.HK'], ['0700.HKX', '0700xHK', '0700.hk']],
  ['A?PL', ['AAPL', 'A.PL', 'A😀PL'], ['APL', 'AAAPL']],
  ['*', ['', 'anything', 'with\nnewline'], []],
  ['**A**', ['A', 'xAy'], ['', 'b']],
  ['A*B*C', ['ABC', 'AxxBxxC', 'ABBCC'], ['ACB', 'ABCx', 'xABC']],
  ['?', ['A', '😀'], ['', 'AB']],
  ['*?', ['A', 'AB'], ['']],
  // Everything else stands for itself.
  ['BRK.B', ['BRK.B'], ['BRKxB']],
  ['a+(b)[c]{d}^$|\\e', ['a+(b)[c]{d}^$|\\e'], ['aa(b)[c]{d}^$|\\e', 'a']],
  ['[AB]*', ['[AB]x'], ['Ax', 'B']],
  ['^A$', ['^A$'], ['A']],
  ['😀*', ['😀', '😀x'], ['😁']],
]

for (const [pattern, matching, others] of MATCHES) {
  test(`${JSON.stringify(pattern)} matches what it should and nothing else`, () => {
    const matches = matcherOf(pattern)
    for (const name of matching) assert.equal(matches(name), true, name)
    for (const name of others) assert.equal(matches(name), false, name)
  })
}

test('a hostile pattern costs no more than a few steps per character', { timeout: 10_000 }, () => {
  const matches = matcherOf(`${'*A'.repeat(31)}B`)
  for (let i = 0; i < 1000; i++) assert.equal(matches('A'.repeat(64)), false)
})

test('two patterns meet where a name can match both', () => {
  const texts = ['*', 'A', 'AB', 'A*', '*B', '*A', 'A*B', '?', '??', 'A?', '*A*', 'B*A', '**', '?*', 'AB*', '*AB', '', 'A*A*', '😀', '?😀']
  const letters = ['A', 'B', '😀']
  const names = ['']
  for (let at = 0; names.length < 400; at++) names.push(...letters.map((letter) => names[at]! + letter))
  for (const one of texts) {
    for (const other of texts) {
      const [a, b] = [matcherOf(one), matcherOf(other)]
      assert.equal(
        canMeet(one, other),
        names.some((name) => a(name) && b(name)),
        `${one} and ${other}`,
      )
    }
  }
})

test('a pattern is what holds a star or a question mark', () => {
  assert.deepEqual(['AAPL.US', '*.US', 'A?'].map(isPattern), [false, true, true])
})
