import type { Row } from './row.ts'

/** Every column, by what it sorts by. Rows without a value come last either way. */
const KEYS = {
  symbol: (row: Row) => row.symbol,
  name: (row: Row) => row.name,
  last: (row: Row) => row.number('last'),
  change: (row: Row) => row.change,
  percent: (row: Row) => row.changePercent,
  bid: (row: Row) => row.number('bid'),
  ask: (row: Row) => row.number('ask'),
  volume: (row: Row) => row.number('volume'),
  turnover: (row: Row) => row.number('turnover'),
  age: (row: Row) => row.view?.ageMs,
  latency: (row: Row) => row.view?.latencyMs,
  state: (row: Row) => STATE_RANK[row.state.state],
} as const satisfies Record<string, (row: Row) => string | number | undefined>

const STATE_RANK = { stale: 0, pending: 1, ended: 2, live: 3 } as const

export type SortKey = keyof typeof KEYS

export interface Order {
  readonly key: SortKey
  readonly descending: boolean
}

export interface Filter {
  /** '' is all. */
  readonly market: string
  readonly query: string
}

/** Rows to show, in order. Ties go by symbol, so that equal rows do not jump about. */
export function arrange(rows: Iterable<Row>, filter: Filter, { key, descending }: Order): Row[] {
  const query = filter.query.trim().toLowerCase()
  const keyed: { row: Row; value: string | number | undefined }[] = []
  for (const row of rows) {
    if (filter.market !== '' && row.market !== filter.market) continue
    if (query !== '' && !row.matches(query)) continue
    keyed.push({ row, value: KEYS[key](row) })
  }
  const sign = descending ? -1 : 1
  keyed.sort((a, b) => {
    if (a.value === undefined || b.value === undefined) {
      if (a.value !== b.value) return a.value === undefined ? 1 : -1
    } else if (a.value !== b.value) return a.value < b.value ? -sign : sign
    return a.row.symbol < b.row.symbol ? -1 : 1
  })
  return keyed.map(({ row }) => row)
}

/** The order after a click on a column: the other direction, or the one that is wanted first (texts ascending). */
export function nextOrder(order: Order, key: SortKey): Order {
  if (order.key === key) return { key, descending: !order.descending }
  return { key, descending: key !== 'symbol' && key !== 'name' && key !== 'state' }
}
