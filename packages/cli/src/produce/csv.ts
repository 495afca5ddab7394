import type { Readable } from 'node:stream'
import { parse } from 'csv-parse'
import { LINE_CHARS_MAX, type OnBadLine, type Quote, symbolProblem } from './quote.ts'

interface CsvRow {
  readonly record: Readonly<Record<string, string>>
  readonly info: { readonly lines: number }
}

/**
 * Quotes of a CSV file with a heading line. Numbers become numbers, empty cells are left out. A record that cannot be
 * read is reported with the line it ends in, and skipped.
 */
export async function* readCsv(input: Readable, keyField: string, onBadLine: OnBadLine): AsyncGenerator<Quote> {
  const parser = parse({
    bom: true,
    columns: true,
    info: true,
    max_record_size: LINE_CHARS_MAX,
    skip_empty_lines: true,
    skip_records_with_error: true,
    trim: true,
    on_skip: (error) => {
      onBadLine(lineOf(error), error?.message ?? 'not readable')
      return undefined
    },
  })
  input.once('error', (error) => parser.destroy(error))
  for await (const { record, info } of input.pipe(parser) as AsyncIterable<CsvRow>) {
    const { [keyField]: symbol, ...cells } = record
    const problem = symbolProblem(symbol, keyField)
    if (problem === undefined) yield { symbol: symbol!, values: toValues(cells) }
    else onBadLine(info.lines, problem)
  }
}

/** csv-parse puts where it was into its errors. */
function lineOf(error: unknown): number {
  const { lines } = (error ?? {}) as { readonly lines?: number }
  return lines ?? 0
}

function toValues(cells: Readonly<Record<string, string>>): Record<string, unknown> {
  const entries = Object.entries(cells).filter(([, cell]) => cell !== '')
  return Object.fromEntries(entries.map(([name, cell]) => [name, toValue(cell)]))
}

/** A number only where its text is one: 00700 is a code, 1e400 would be infinite. */
function toValue(cell: string): unknown {
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(cell)) return cell
  const number = Number(cell)
  return Number.isFinite(number) ? number : cell
}
