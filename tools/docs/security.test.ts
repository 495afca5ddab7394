import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const markdown = readFileSync(join(root, 'docs/security.md'), 'utf8')
const rowsOf = (heading: string): string[] =>
  (markdown.split(`\n## ${heading}\n`)[1] ?? '')
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)

for (const heading of ['Threats', 'Bad input']) {
  test(`docs/security.md, ${heading}: each row names tests that there are`, () => {
    const rows = rowsOf(heading)
    assert.ok(rows.length > 10)
    for (const row of rows) {
      const named = [...row.matchAll(/`([^`]+\.test\.ts)`: ((?:“[^”]+”(?:; )?)+)/g)]
      assert.ok(named.length > 0, row)
      for (const [, file, titles] of named) {
        assert.ok(existsSync(join(root, file!)), row)
        const source = readFileSync(join(root, file!), 'utf8')
        const declared = source.split('\n').filter((line) => /\b(test|it|describe)\(/.test(line))
        for (const [, title] of titles!.matchAll(/“([^”]+)”/g))
          assert.ok(
            declared.some((line) => line.includes(title!)),
            `${file} has no test “${title}”`,
          )
      }
    }
  })
}

test('docs/security.md, Bad input: the rows are numbered without a gap', () => {
  const numbers = rowsOf('Bad input').map((row) => Number(row.split('|')[1]))
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  )
})
