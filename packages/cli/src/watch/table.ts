/** The table as text: no terminal, no time of its own. */
import type { SymbolState, Values } from '@pulsewire/client'
import { createColors } from 'picocolors'
import stringWidth from 'string-width'
import { formatAge, formatDelay, formatValue, sanitize } from './format.ts'

export interface TableRow {
  readonly symbol: string
  readonly state: SymbolState
  readonly values: Values | undefined
  readonly ageMs: number | undefined
  readonly latencyMs: number | undefined
}

export interface TableOptions {
  /** Show these fields instead of last, change and change %. */
  readonly fields?: readonly string[]
  readonly columns: number
  /** Lines that there is room for, heading included. */
  readonly rows: number
  readonly nowMs: number
  readonly colour: boolean
}

type Cells = readonly string[]

/** Left: names and sentences. All else is numbers. */
const LEFT = new Set(['symbol', 'state'])
const GAP = '  '

/** Names under which feeds give the last price and the one to compare with. */
const LAST_FIELDS = ['last', 'price', 'lastPrice']
const REFERENCE_FIELDS = ['prevClose', 'previousClose', 'close', 'open']

export function renderTable(rows: readonly TableRow[], options: TableOptions): string {
  const headings = ['symbol', ...(options.fields ?? ['last', 'change', 'change %']), 'age', 'latency', 'state']
  const shown = rows.slice(0, rows.length + 1 > options.rows ? Math.max(1, options.rows - 2) : rows.length)
  const cells = shown.map((row) => cellsOf(row, options))
  const widths = headings.map((heading, i) => Math.max(stringWidth(heading), ...cells.map((row) => stringWidth(row[i]!))))
  const paint = createColors(options.colour)
  const lines = [
    paint.bold(layOut(headings, headings, widths, options.columns)),
    ...cells.map((row, i) => colourRow(layOut(row, headings, widths, options.columns), shown[i]!, paint)),
  ]
  const hidden = rows.length - shown.length
  if (hidden > 0) lines.push(paint.dim(`… and ${hidden} more (a higher window shows them)`))
  return lines.join('\n')
}

function cellsOf({ symbol, state, values, ageMs, latencyMs }: TableRow, { fields, nowMs }: TableOptions): Cells {
  const chosen = fields?.map((field) => (values?.[field] === undefined ? '' : formatValue(values[field]))) ?? priceCells(values)
  return [sanitize(symbol), ...chosen, formatAge(ageMs), formatAge(latencyMs), stateCell(state, nowMs)]
}

function priceCells(values: Values | undefined): Cells {
  const last = numberIn(values, LAST_FIELDS)
  const reference = numberIn(values, REFERENCE_FIELDS)
  const change = changeOf(values)
  if (last === undefined) return ['', '', '']
  const percent = change === undefined ? undefined : (change / (reference ?? last - change)) * 100
  return [
    String(last),
    change === undefined ? '' : signed(change, decimalsOf(last)),
    percent === undefined || !Number.isFinite(percent) ? '' : signed(percent, 2),
  ]
}

/** The feed's own change where it has one, else the difference to the reference price. */
function changeOf(values: Values | undefined): number | undefined {
  const last = numberIn(values, LAST_FIELDS)
  const reference = numberIn(values, REFERENCE_FIELDS)
  return numberIn(values, ['change']) ?? (last === undefined || reference === undefined ? undefined : last - reference)
}

function numberIn(values: Values | undefined, names: readonly string[]): number | undefined {
  return names.map((name) => values?.[name]).find((value) => typeof value === 'number')
}

function decimalsOf(value: number): number {
  return Math.max(2, String(value).split('.')[1]?.length ?? 0)
}

function signed(value: number, decimals: number): string {
  return `${value > 0 ? '+' : ''}${value.toFixed(Math.min(decimals, 8))}`
}

/** `live`, `live, delayed 15 min`, or what is wrong: `stale 3.2 s at push-a1: lagging`. */
function stateCell(state: SymbolState, nowMs: number): string {
  if (state.state !== 'stale' && state.state !== 'ended') return [state.state, formatDelay(state.delayMs)].filter(Boolean).join(', ')
  const since = state.sinceMs === undefined ? '' : ` ${formatAge(nowMs - state.sinceMs)}`
  const hop = state.hop === undefined ? '' : ` at ${state.hop}`
  return sanitize(`${state.state}${since}${hop}: ${[state.reason, state.message].filter(Boolean).join(', ')}`)
}

function layOut(cells: Cells, headings: Cells, widths: readonly number[], columns: number): string {
  const padded = cells.map((cell, i) => {
    const space = ' '.repeat(Math.max(0, widths[i]! - stringWidth(cell)))
    return LEFT.has(headings[i]!) ? cell + space : space + cell
  })
  return cut(padded.join(GAP).trimEnd(), columns)
}

/** A line that wrapped would break the redrawing. */
function cut(line: string, columns: number): string {
  if (stringWidth(line) <= columns) return line
  let text = line
  while (stringWidth(text) > columns - 1) text = text.slice(0, -1)
  return `${text}…`
}

function colourRow(line: string, { state, values }: TableRow, paint: ReturnType<typeof createColors>): string {
  if (state.state !== 'live') return paint.gray(line)
  const change = changeOf(values) ?? 0
  return change > 0 ? paint.green(line) : change < 0 ? paint.red(line) : line
}
