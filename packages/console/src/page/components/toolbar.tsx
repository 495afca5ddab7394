import type { Ref } from 'preact'
import { useMemo } from 'preact/hooks'
import type { Board } from '../board/board.ts'
import type { Filter } from '../board/order.ts'
import { count } from '../format.ts'
import { delayInWords } from '../words.ts'

interface Props {
  readonly board: Board
  readonly filter: Filter
  /** Rows that pass the filter. */
  readonly shown: number
  readonly search: Ref<HTMLInputElement>
  readonly onFilter: (filter: Filter) => void
  /** The user is done searching and wants to go to the rows. */
  readonly onLeave: () => void
}

/** The usual order of markets; others follow by name. */
const MARKETS = ['US', 'HK', 'SH', 'SZ', 'SG']

export function Toolbar({ board, filter, shown, search, onFilter, onLeave }: Props) {
  const delay = delayInWords(board.summary.delayMs)
  const markets = useMemo(() => countMarkets(board), [board.listVersion])
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      // This key was for the search alone: the panel stays open.
      event.preventDefault()
      onFilter({ ...filter, query: '' })
      onLeave()
    } else if (event.key === 'Enter' || event.key === 'ArrowDown') {
      event.preventDefault()
      onLeave()
    }
  }
  return (
    <div class="toolbar">
      <div class="markets" role="group" aria-label="Market">
        {[['', board.rows.size] as const, ...markets].map(([market, size]) => (
          <button key={market} type="button" aria-pressed={filter.market === market} onClick={() => onFilter({ ...filter, market })}>
            {market || 'All'} <small>{count(size)}</small>
          </button>
        ))}
      </div>
      <search class="search">
        <input
          ref={search}
          type="search"
          placeholder="Symbol or name"
          aria-label="Search by symbol or name"
          aria-keyshortcuts="/"
          autocomplete="off"
          spellcheck={false}
          value={filter.query}
          onInput={(event) => onFilter({ ...filter, query: event.currentTarget.value })}
          onKeyDown={onKeyDown}
        />
        <kbd>/</kbd>
      </search>
      {delay !== '' && <strong class="delay">Quotes are {delay}</strong>}
      <output class="shown">{count(shown)} shown</output>
    </div>
  )
}

function countMarkets(board: Board): (readonly [market: string, size: number])[] {
  const sizes = new Map<string, number>()
  for (const { market } of board.rows.values()) if (market !== '') sizes.set(market, (sizes.get(market) ?? 0) + 1)
  const rank = (market: string) => (MARKETS.includes(market) ? MARKETS.indexOf(market) : MARKETS.length)
  return [...sizes].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
}
