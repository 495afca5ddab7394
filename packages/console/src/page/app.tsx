import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Board } from './board/board.ts'
import { arrange, nextOrder, type Filter, type Order, type SortKey } from './board/order.ts'
import { Banner } from './components/banner.tsx'
import { Detail } from './components/detail.tsx'
import { Footer } from './components/footer.tsx'
import { Grid } from './components/grid.tsx'
import { PulseStrip } from './components/pulse-strip.tsx'
import { Toolbar } from './components/toolbar.tsx'
import { TopBar } from './components/top-bar.tsx'
import { useBoard, useMedia } from './hooks.ts'
import { applyPreferences, savePreferences, type Preferences } from './preferences.ts'

/** Rows that sort by a living number change places this often, not with every update. */
const REARRANGE_MS = 2_000

export function App({ board, preferences: loaded }: { board: Board; preferences: Preferences }) {
  useBoard(board)
  const wide = useMedia('(min-width: 1100px)')
  const [preferences, setPreferences] = usePreferences(loaded)
  const [filter, setFilter] = useState<Filter>({ market: '', query: '' })
  const [order, setOrder] = useState<Order>({ key: 'turnover', descending: true })
  const [selected, setSelected] = useState<string | null>(null)
  const [open, setOpen] = useState(wide)
  const period = Math.floor(Date.now() / REARRANGE_MS)
  const rows = useMemo(() => arrange(board.rows.values(), filter, order), [board.listVersion, period, filter, order])
  // Before anybody chose a row, the panel shows the first one.
  const shown = selected ?? (wide ? (rows[0]?.symbol ?? null) : null)
  useEffect(() => {
    if (selected === null && shown !== null) setSelected(shown)
  }, [selected, shown])
  const row = shown === null ? undefined : board.rows.get(shown)
  const search = useRef<HTMLInputElement>(null)
  const grid = useRef<HTMLDivElement>(null)
  useShortcuts(search, () => setOpen(false))

  return (
    <>
      <TopBar summary={board.summary} preferences={preferences} onPreferences={setPreferences} />
      <PulseStrip board={board} preferences={preferences} />
      <Banner summary={board.summary} onRetry={() => board.retry()} />
      <Toolbar
        board={board}
        filter={filter}
        shown={rows.length}
        onFilter={setFilter}
        search={search}
        onLeave={() => grid.current?.focus()}
      />
      <main class={open && row !== undefined ? 'with-detail' : ''}>
        <Grid
          board={board}
          rows={rows}
          order={order}
          selected={shown}
          element={grid}
          onSort={(key: SortKey) => setOrder(nextOrder(order, key))}
          onSelect={setSelected}
          onOpen={() => setOpen(true)}
        />
        {open && row !== undefined && (
          <Detail key={row.symbol} board={board} row={row} preferences={preferences} onClose={() => setOpen(false)} />
        )}
      </main>
      <Footer board={board} />
    </>
  )
}

function usePreferences(loaded: Preferences): [Preferences, (preferences: Preferences) => void] {
  const [preferences, setPreferences] = useState(loaded)
  const change = (changed: Preferences) => {
    applyPreferences(document.documentElement, changed)
    savePreferences(localStorage, changed)
    setPreferences(changed)
  }
  return [preferences, change]
}

/** `/` goes to the search box from anywhere, Escape closes the panel. */
function useShortcuts(search: { readonly current: HTMLInputElement | null }, onEscape: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
      if (event.key === '/' && document.activeElement !== search.current) {
        event.preventDefault()
        search.current?.focus()
        search.current?.select()
      } else if (event.key === 'Escape') onEscape()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}
