import type { Ref } from 'preact'
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
import { InstallationView } from './components/installation/view.tsx'
import { useBoard, useEscape, useHash, useKey, useMedia } from './hooks.ts'
import type { Breaks } from './installation/breaks.ts'
import type { Installation } from './installation/installation.ts'
import { applyPreferences, savePreferences, type Preferences } from './preferences.ts'
import { saveToken } from './token.ts'

/** Rows that sort by a living number change places this often, not with every update. */
const REARRANGE_MS = 2_000

interface Props {
  readonly board: Board
  /** `null`: no balancer is asked, and there is only the quote board. */
  readonly installation: Installation | null
  /** Only a demonstration has it. */
  readonly breaks: Breaks | null
  /** Whether nodes can be asked, for traces and sessions. */
  readonly asks: boolean
  readonly preferences: Preferences
}

export function App({ board, installation, breaks, asks, preferences: loaded }: Props) {
  useBoard(board)
  const [preferences, setPreferences] = usePreferences(loaded)
  const search = useRef<HTMLInputElement>(null)
  const hash = useHash()
  // Whoever opens the demonstration came to break it.
  const isBoard = installation === null || (hash === '' ? breaks === null : hash !== 'installation')
  useSearchKey(search)
  return (
    <>
      <TopBar
        summary={board.summary}
        preferences={preferences}
        onPreferences={setPreferences}
        view={installation === null ? null : isBoard ? 'board' : 'installation'}
      />
      <PulseStrip board={board} preferences={preferences} />
      <Banner summary={board.summary} refusal={board.refusal} onRetry={() => board.retry()} onToken={reloadWith} />
      {isBoard ? (
        <BoardView board={board} preferences={preferences} search={search} />
      ) : (
        <InstallationView {...{ board, installation, breaks, asks, preferences, search }} />
      )}
      <Footer board={board} />
    </>
  )
}

interface BoardViewProps {
  readonly board: Board
  readonly preferences: Preferences
  readonly search: { readonly current: HTMLInputElement | null }
}

function BoardView({ board, preferences, search }: BoardViewProps) {
  useBoard(board)
  const wide = useMedia('(min-width: 1100px)')
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
  const grid = useRef<HTMLDivElement>(null)
  useEscape(() => setOpen(false))
  return (
    <>
      <Toolbar
        board={board}
        filter={filter}
        shown={rows.length}
        onFilter={setFilter}
        search={search as Ref<HTMLInputElement>}
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
    </>
  )
}

/** Everything begins anew with it. */
function reloadWith(token: string): void {
  saveToken(sessionStorage, token)
  location.reload()
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

/** `/` goes to the search box from anywhere. */
function useSearchKey(search: { readonly current: HTMLInputElement | null }): void {
  useKey((event) => {
    if (event.key !== '/' || document.activeElement === search.current) return
    event.preventDefault()
    search.current?.focus()
    search.current?.select()
  })
}
