import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Board } from '../board/board.ts'
import type { Order, SortKey } from '../board/order.ts'
import type { Row } from '../board/row.ts'
import { COLUMNS } from './columns.tsx'
import { GridRow, rowId } from './grid-row.tsx'

interface Props {
  readonly board: Board
  readonly rows: readonly Row[]
  readonly order: Order
  readonly selected: string | null
  readonly element: RefObject<HTMLDivElement | null>
  readonly onSort: (key: SortKey) => void
  readonly onSelect: (symbol: string) => void
  readonly onOpen: () => void
}

/** Rows drawn beyond both edges, so that scrolling does not show a gap. */
const OVERSCAN = 8

/** The table. Only rows in sight exist in the document, so that ten thousand cost what fifty do. */
export function Grid(props: Props) {
  const { board, rows, order, selected, element, onSort, onSelect, onOpen } = props
  const view = useViewport(element)
  const first = Math.max(0, Math.floor(view.top / view.rowHeight) - OVERSCAN)
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / view.rowHeight) + OVERSCAN)
  const index = rows.findIndex(({ symbol }) => symbol === selected)

  const moveTo = (target: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, target))]
    if (row === undefined) return
    onSelect(row.symbol)
    reveal(element.current!, rows.indexOf(row), view.rowHeight)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== element.current) return
    const page = Math.max(1, Math.floor(view.height / view.rowHeight) - 2)
    const targets: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: rows.length - 1,
    }
    const target = targets[event.key]
    if (target !== undefined) moveTo(target)
    else if (event.key === 'Enter' && index >= 0) onOpen()
    else return
    event.preventDefault()
  }
  return (
    <div
      ref={element}
      class="grid"
      role="grid"
      tabIndex={0}
      aria-label="Quotes"
      aria-rowcount={rows.length + 1}
      aria-activedescendant={index >= first && index < last ? rowId(selected!) : undefined}
      onKeyDown={onKeyDown}
    >
      <HeadRow order={order} onSort={onSort} />
      <div role="rowgroup" class="body" style={{ height: `${rows.length * view.rowHeight}px` }}>
        {rows.slice(first, last).map((row, offset) => (
          <GridRow
            key={row.symbol}
            row={row}
            index={first + offset}
            top={(first + offset) * view.rowHeight}
            selected={row.symbol === selected}
            staleAfterMs={board.summary.staleAfterMs ?? Infinity}
            sampleCount={board.sampleCount}
            onPick={() => {
              onSelect(row.symbol)
              onOpen()
            }}
          />
        ))}
      </div>
      {rows.length === 0 && <p class="empty">{board.rows.size === 0 ? 'Waiting for the first quotes…' : 'No symbol matches.'}</p>}
    </div>
  )
}

function HeadRow({ order, onSort }: Pick<Props, 'order' | 'onSort'>) {
  return (
    <div role="rowgroup" class="head">
      <div role="row" aria-rowindex={1} class="row">
        {COLUMNS.map(({ name, title, sort }) => {
          const isSorted = sort !== undefined && order.key === sort
          return (
            <div
              key={name}
              role="columnheader"
              class={`cell ${name}`}
              aria-sort={isSorted ? (order.descending ? 'descending' : 'ascending') : undefined}
            >
              {sort === undefined ? (
                <span>{title}</span>
              ) : (
                <button type="button" onClick={() => onSort(sort)}>
                  {title}
                  <i aria-hidden="true">{isSorted ? (order.descending ? '↓' : '↑') : ''}</i>
                </button>
              )}
            </div>
          )
        })}
      </div>
    </div>
  )
}

interface Viewport {
  readonly top: number
  readonly height: number
  readonly rowHeight: number
}

/** Follows scrolling and size of the grid. The style sheet says how high a row is: it depends on the width. */
function useViewport(element: RefObject<HTMLDivElement | null>): Viewport {
  const [viewport, setViewport] = useState<Viewport>({ top: 0, height: 800, rowHeight: 34 })
  useEffect(() => {
    const grid = element.current!
    const measure = () => {
      const rowHeight = Number.parseFloat(getComputedStyle(grid).getPropertyValue('--row-height')) || 34
      setViewport({ top: grid.scrollTop, height: grid.clientHeight, rowHeight })
    }
    const observer = new ResizeObserver(measure)
    observer.observe(grid)
    grid.addEventListener('scroll', measure, { passive: true })
    return () => {
      observer.disconnect()
      grid.removeEventListener('scroll', measure)
    }
  }, [element])
  return viewport
}

/** Scrolls as little as needed to have a row in sight below the head. */
function reveal(grid: HTMLElement, index: number, rowHeight: number): void {
  const headHeight = grid.querySelector<HTMLElement>('.head')?.offsetHeight ?? 0
  const top = index * rowHeight
  if (top < grid.scrollTop) grid.scrollTop = top
  else if (top + rowHeight + headHeight > grid.scrollTop + grid.clientHeight) {
    grid.scrollTop = top + rowHeight + headHeight - grid.clientHeight
  }
}
