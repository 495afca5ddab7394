import { useMemo } from 'preact/hooks'
import type { Board } from '../../board/board.ts'
import { arrange } from '../../board/order.ts'
import type { Row } from '../../board/row.ts'
import { count, percent, price } from '../../format.ts'
import { useBoard, useRow } from '../../hooks.ts'
import { stateInWords } from '../../words.ts'
import { TableHead } from '../table-head.tsx'

const ROWS = 12
const FILTER = { market: '', query: '' }
const ORDER = { key: 'turnover', descending: true } as const
/** So often they change places. */
const REARRANGE_MS = 10_000

/** The busiest symbols of the quote board, beside what is done to the installation. */
export function MiniBoard({ board }: { board: Board }) {
  useBoard(board)
  const period = Math.floor(Date.now() / REARRANGE_MS)
  const rows = useMemo(() => arrange(board.rows.values(), FILTER, ORDER).slice(0, ROWS), [board.listVersion, period])
  return (
    <section class="panel mini-board" aria-label="Quotes">
      <h3>
        Quote board <a href="#board">all {count(board.rows.size)} symbols</a>
      </h3>
      <table class="list">
        <TableHead of={['Symbol', 'Last', 'Change', 'State']} />
        <tbody>
          {rows.map((row) => (
            <MiniRow key={row.symbol} row={row} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function MiniRow({ row }: { row: Row }) {
  useRow(row)
  const { state, change = 0 } = row
  return (
    <tr class={state.state}>
      <th scope="row">{row.symbol}</th>
      <td class={change < 0 ? 'down' : 'up'}>{price(row.number('last'), row.decimals)}</td>
      <td class={change < 0 ? 'down' : 'up'}>{percent(row.changePercent)}</td>
      <td class="state" title={stateInWords(state, Date.now())}>
        {state.state}
      </td>
    </tr>
  )
}
