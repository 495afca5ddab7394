import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { VERDICTS_ERROR_CODES } from '../../packages/cli/src/verdicts/fetch.ts'
import { PRODUCE_ERROR_CODES } from '../../packages/cli/src/produce/errors.ts'
import { CLIENT_ERROR_CODES } from '../../packages/client/src/errors.ts'
import { ASK_CODES, CLOSE_CODES, NOTICE_CODES, REFUSAL_CODES, STALE_REASONS, TOKEN_CODES } from '../../packages/protocol/src/codes.ts'
import { ACCESS_ERROR_CODES, CONFIG_ERROR_CODES, DIRECTORY_ERROR_CODES, LOG_ERROR_CODES } from '../../packages/server/src/runtime/errors.ts'
import { BALANCER_ERROR_CODES } from '../../packages/server/src/balancer/http/errors.ts'
import { DEGRADED_REASONS, VERDICT_REASONS } from '../../packages/server/src/balancer/verdict/reasons.ts'
import { EXIT_CODES, EXIT_SIGNALS } from '../../packages/server/src/runtime/lifecycle/index.ts'

type Codes = Readonly<Record<string, string | readonly [number, string]>>

const TABLES: Readonly<Record<string, Codes>> = {
  'Exit codes': EXIT_CODES,
  'Exit signals': EXIT_SIGNALS,
  'Close codes': CLOSE_CODES,
  'Refusal codes': REFUSAL_CODES,
  'Stale reasons': STALE_REASONS,
  'Token codes': TOKEN_CODES,
  'Notice codes': NOTICE_CODES,
  'Ask codes': ASK_CODES,
  'Verdict reasons': VERDICT_REASONS,
  'Degraded reasons': DEGRADED_REASONS,
  'Balancer error codes': BALANCER_ERROR_CODES,
  'Log error codes': LOG_ERROR_CODES,
  'Directory error codes': DIRECTORY_ERROR_CODES,
  'Access error codes': ACCESS_ERROR_CODES,
  'Configuration error codes': CONFIG_ERROR_CODES,
  'Produce error codes': PRODUCE_ERROR_CODES,
  'Verdicts error codes': VERDICTS_ERROR_CODES,
  'Client error codes': CLIENT_ERROR_CODES,
}

const markdown = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')
const sections = new Map(markdown.split(/^## /m).map((section) => [section.split('\n')[0]!, section]))

/** The cells of each row of a section's table, without its two heading rows. */
function rowsOf(section: string): string[][] {
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

describe('docs/errors.md', () => {
  it('has a table for each kind of code and no other', () => {
    assert.deepEqual([...sections.keys()].slice(1), Object.keys(TABLES))
  })

  for (const [heading, codes] of Object.entries(TABLES)) {
    it(`lists the ${heading.toLowerCase()} as the code has them, each with what to do`, () => {
      const rows = rowsOf(sections.get(heading) ?? '')
      const expected = Object.entries(codes).map(([name, value]) => {
        const quoted = `\`${name}\``
        return typeof value === 'string' ? [quoted, value] : [String(value[0]), quoted, value[1]]
      })
      const found = rows.map((cells) => cells.slice(0, -1))
      assert.deepEqual(found, expected)
      for (const cells of rows) assert.notEqual(cells.at(-1), '', cells.join(' '))
    })
  }
})
