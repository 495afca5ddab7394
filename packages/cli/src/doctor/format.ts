import type { createColors } from 'picocolors'
import { sanitize } from '../watch/format.ts'
import { AREAS, type Check } from './check.ts'

type Paint = ReturnType<typeof createColors>

const MARKS: Readonly<Record<Check['verdict'], string>> = { problem: '✗', note: '!', ok: '✓' }

/** For a terminal: area by area, then how many of what. */
export function formatChecks(checks: readonly Check[], paint: Paint): string {
  const colour = { problem: paint.red, note: paint.yellow, ok: paint.green }
  const lines = AREAS.flatMap((area) => {
    const own = checks.filter((check) => check.area === area)
    if (own.length === 0) return []
    return ['', paint.bold(area), ...own.flatMap((check) => linesOf(check, colour[check.verdict]))]
  })
  return [...lines.slice(1), '', summaryOf(checks)].join('\n')
}

function linesOf({ verdict, what, why, todo }: Check, colour: (text: string) => string): string[] {
  const lines = [colour(`${MARKS[verdict]} ${sanitize(what)}`)]
  if (why !== undefined) lines.push(`    why it matters: ${sanitize(why)}`)
  if (todo !== undefined) lines.push(`    what to do:     ${sanitize(todo)}`)
  return lines
}

function summaryOf(checks: readonly Check[]): string {
  const count = (verdict: Check['verdict'], word: string): string => {
    const number = checks.filter((check) => check.verdict === verdict).length
    return `${number} ${word}${number === 1 ? '' : 's'}`
  }
  if (checks.every(({ verdict }) => verdict === 'ok')) return `All is well: ${count('ok', 'check')}.`
  return `${count('problem', 'problem')}, ${count('note', 'note')}, ${checks.filter(({ verdict }) => verdict === 'ok').length} well.`
}
