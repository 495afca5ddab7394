import type { ComponentChildren } from 'preact'
import type { SortKey } from '../board/order.ts'
import { FLASH_MS, type Row } from '../board/row.ts'
import { amount, duration, percent, price, signed } from '../format.ts'
import { stateInWords } from '../words.ts'
import { Sparkline } from './sparkline.tsx'

export interface CellContext {
  readonly staleAfterMs: number
  readonly sampleCount: number
  readonly nowMs: number
}

export interface Column {
  /** Class name of its cells; the style sheet sets widths, and what goes when it gets narrow. */
  readonly name: string
  readonly title: string
  readonly sort?: SortKey
  readonly cell: (row: Row, context: CellContext) => ComponentChildren
  /** Further classes of a cell. */
  readonly tone?: (row: Row, context: CellContext) => string
}

const direction = (row: Row) => (!row.change ? '' : row.change > 0 ? 'up' : 'down')

/** Lights up where the price moved: brightly at first, then faintly. */
const flash = (row: Row, { nowMs }: CellContext) => {
  const sinceMs = nowMs - row.movedAtMs
  if (sinceMs >= FLASH_MS || row.state.state !== 'live') return ''
  return `flash-${row.moved}${sinceMs < FLASH_MS / 3 ? ' just' : ''}`
}

export const COLUMNS: readonly Column[] = [
  { name: 'symbol', title: 'Symbol', sort: 'symbol', cell: (row) => <SymbolName row={row} /> },
  { name: 'name', title: 'Name', sort: 'name', cell: (row) => row.name },
  { name: 'trend', title: 'Trend', cell: (row, { sampleCount }) => <Sparkline row={row} sampleCount={sampleCount} /> },
  {
    name: 'last',
    title: 'Last',
    sort: 'last',
    cell: (row) => <span>{price(row.number('last'), row.decimals)}</span>,
    tone: (row, context) => `${direction(row)} ${flash(row, context)}`,
  },
  { name: 'change', title: 'Change', sort: 'change', cell: (row) => signed(row.change, row.decimals), tone: direction },
  { name: 'percent', title: 'Change %', sort: 'percent', cell: (row) => <span>{percent(row.changePercent)}</span>, tone: direction },
  {
    name: 'bid',
    title: 'Bid',
    sort: 'bid',
    cell: (row) => <Side size={row.number('bidSize')} at={price(row.number('bid'), row.decimals)} />,
  },
  {
    name: 'ask',
    title: 'Ask',
    sort: 'ask',
    cell: (row) => <Side size={row.number('askSize')} at={price(row.number('ask'), row.decimals)} />,
  },
  { name: 'volume', title: 'Volume', sort: 'volume', cell: (row) => amount(row.number('volume')) },
  { name: 'turnover', title: 'Turnover', sort: 'turnover', cell: (row) => amount(row.number('turnover')) },
  {
    name: 'age',
    title: 'Age',
    sort: 'age',
    cell: (row) => duration(row.view?.ageMs),
    tone: (row, { staleAfterMs }) => ageTone(row.view?.ageMs, staleAfterMs),
  },
  { name: 'latency', title: 'Latency', sort: 'latency', cell: (row) => latency(row) },
  {
    name: 'state',
    title: 'State',
    sort: 'state',
    cell: (row, { nowMs }) => <State words={stateInWords(row.state, nowMs)} />,
    tone: (row) => row.state.state,
  },
]

function SymbolName({ row }: { row: Row }) {
  return (
    <>
      <b>{row.code}</b>
      {row.market !== '' && <small>{row.market}</small>}
    </>
  )
}

/** With the whole of it to hover over: in a narrow table it is cut off. */
function State({ words }: { words: string }) {
  return (
    <span title={words}>
      <i aria-hidden="true" />
      {words}
    </span>
  )
}

function Side({ size, at }: { size: number | undefined; at: string }) {
  return (
    <>
      <small>{amount(size)}</small> <span>{at}</span>
    </>
  )
}

/** A clock at the source that runs ahead makes it negative, which says nothing to a reader. */
function latency(row: Row): string {
  const ms = row.view?.latencyMs
  return duration(ms === undefined ? undefined : Math.max(0, ms))
}

function ageTone(ageMs: number | undefined, staleAfterMs: number): string {
  if (ageMs === undefined) return ''
  return ageMs > staleAfterMs ? 'old' : ageMs > staleAfterMs * 0.7 ? 'aging' : 'fresh'
}
