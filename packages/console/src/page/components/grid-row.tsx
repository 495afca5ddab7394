import type { Row } from '../board/row.ts'
import { useRow } from '../hooks.ts'
import { COLUMNS, type CellContext } from './columns.tsx'

interface Props {
  readonly row: Row
  readonly index: number
  /** Distance from the top of the body, in px. */
  readonly top: number
  readonly selected: boolean
  readonly staleAfterMs: number
  readonly sampleCount: number
  readonly onPick: () => void
}

export function rowId(symbol: string): string {
  return `row-${symbol}`
}

export function GridRow({ row, index, top, selected, staleAfterMs, sampleCount, onPick }: Props) {
  useRow(row)
  const context: CellContext = { staleAfterMs, sampleCount, nowMs: Date.now() }
  return (
    <div
      id={rowId(row.symbol)}
      role="row"
      class={`row ${row.state.state}${index % 2 === 1 ? ' odd' : ''}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      style={{ transform: `translateY(${top}px)` }}
      onClick={onPick}
    >
      {COLUMNS.map(({ name, cell, tone }) => (
        <div key={name} role="gridcell" class={`cell ${name} ${tone?.(row, context) ?? ''}`}>
          {cell(row, context)}
        </div>
      ))}
    </div>
  )
}
