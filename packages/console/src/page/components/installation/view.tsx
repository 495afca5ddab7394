import type { Ref } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { CONSOLE_USER, type Board } from '../../board/board.ts'
import type { TopologyAnswer } from '../../installation/answers.ts'
import type { Breaks } from '../../installation/breaks.ts'
import type { Installation } from '../../installation/installation.ts'
import { partitionOf } from '../../installation/holders.ts'
import { matches } from '../../installation/search.ts'
import type { Suggestion } from '../../installation/suggestions.ts'
import { useChanges, useEscape } from '../../hooks.ts'
import type { Preferences } from '../../preferences.ts'
import { BreakPanel } from './break-panel.tsx'
import { Finder } from './finder.tsx'
import { MiniBoard } from './mini-board.tsx'
import { MsPlot } from './ms-plot.tsx'
import { NodeDetails } from './node-details.tsx'
import { Picture } from './picture.tsx'
import { SessionsPanel } from './sessions-panel.tsx'
import { SymbolPanel } from './symbol-panel.tsx'
import { TracksPanel } from './tracks-panel.tsx'
import { type Traced, TracePanel } from './trace-panel.tsx'
import { Troubles } from './troubles.tsx'
import { Timeline, type TimelineEntry } from './timeline.tsx'

interface Props {
  readonly board: Board
  readonly installation: Installation
  readonly breaks: Breaks | null
  readonly asks: boolean
  readonly preferences: Preferences
  readonly search: Ref<HTMLInputElement>
}

/** What the panels below the picture begin with; each time that it is asked for, they begin anew. */
interface Asking {
  readonly times: number
  readonly traced: Traced
  readonly whose: string
  /** Which of them asks by itself. */
  readonly atOnce: 'trace' | 'sessions' | null
}

/** The installation: its picture, what has happened in it, and beside them the quotes that it delivers. */
export function InstallationView({ board, installation, breaks, asks, preferences, search }: Props) {
  useChanges((listener) => installation.onChange(listener), installation)
  const [query, setQuery] = useState('')
  const [selected, setSelected] = useState<string | null>(null)
  const [symbol, setSymbol] = useState<{ readonly feed: string; readonly name: string } | null>(null)
  const first: Traced = { feed: board.feed, symbol: FIRST_SYMBOL, who: CONSOLE_USER }
  const [asking, setAsking] = useState<Asking>({ times: 0, traced: first, whose: CONSOLE_USER, atOnce: null })
  const { topology } = installation
  const found = useMemo(() => foundIn(topology, query), [topology, query])
  const node = topology?.nodes.find(({ node: name }) => selected === `node/${name}` || selected === `clients/${name}`)
  const select = (name: string) => setSelected(`node/${name}`)
  const choose = ({ kind, name, feed = board.feed }: Suggestion) => {
    if (kind === 'node') return select(name)
    setQuery('')
    if (kind === 'symbol') return setSymbol({ feed, name })
    setAsking(({ times, traced }) => ({ times: times + 1, traced: { ...traced, who: name }, whose: name, atOnce: 'sessions' }))
  }
  useEscape(() => (symbol === null ? setSelected(null) : setSymbol(null)))
  return (
    <main class={`installation ${breaks === null ? '' : 'breakable'}`}>
      {breaks !== null && <BreakPanel breaks={breaks} />}
      <div class={`middle ${installation.failedSinceMs === null || topology === null ? '' : 'last-known'}`}>
        <div class="overhead">
          <Finder {...{ topology, board, asks, query, found, search }} onQuery={setQuery} onChoose={choose} />
          <Troubles installation={installation} />
        </div>
        {topology === null ? (
          <p class="empty">Asking the balancer…</p>
        ) : (
          <Picture topology={topology} found={found.size === 0 ? null : found} selected={selected} onSelect={setSelected} />
        )}
        {topology !== null && node !== undefined && (
          <NodeDetails key={node.node} {...{ installation, topology, node, asks, preferences }} onClose={() => setSelected(null)} />
        )}
        {topology !== null && symbol !== null && (
          <SymbolPanel
            key={`${symbol.feed} ${symbol.name}`}
            {...{ topology, asks, feed: symbol.feed, symbol: symbol.name }}
            partition={symbol.feed === board.feed ? partitionOf(board.rows.get(symbol.name)?.view?.position) : null}
            onSelect={select}
            onTrace={() =>
              setAsking(({ times, traced, whose }) => ({
                times: times + 1,
                traced: { feed: symbol.feed, symbol: symbol.name, who: traced.who },
                whose,
                atOnce: 'trace',
              }))
            }
            onClose={() => setSymbol(null)}
          />
        )}
        {topology !== null && <TracksPanel tracks={topology.tracks} grey={topology.grey} />}
        {asks && <TracePanel key={`trace ${asking.times}`} traced={asking.traced} atOnce={asking.atOnce === 'trace'} onSelect={select} />}
        {asks && (
          <SessionsPanel key={`sessions ${asking.times}`} of={asking.whose} atOnce={asking.atOnce === 'sessions'} onSelect={select} />
        )}
        {node === undefined && topology !== null && (
          <div class="panel">
            <MsPlot label="Freshness of the installation over the last minutes" {...{ installation, preferences }} series={SERIES} />
          </div>
        )}
      </div>
      <div class="side">
        <MiniBoard board={board} />
        <Timelines installation={installation} breaks={breaks} onSelect={select} />
      </div>
    </main>
  )
}

/** Until somebody chooses another one. */
const FIRST_SYMBOL = 'AAPL.US'

/** How the whole has fared. */
const SERIES = [
  {
    name: 'oldest proof at a gateway',
    tone: 'fresh',
    values: ({ history }: Installation) => history.samples.map(({ proofMs }) => proofMs),
  },
  { name: 'slowest event loop', tone: 'up', values: ({ history }: Installation) => history.samples.map(({ loopMs }) => loopMs) },
] as const

function foundIn(topology: TopologyAnswer | null, query: string): ReadonlySet<string> {
  return new Set(topology?.nodes.filter((node) => matches(node, query)).map(({ node }) => node))
}

function Timelines({ installation, breaks, onSelect }: Pick<Props, 'installation' | 'breaks'> & { onSelect: (node: string) => void }) {
  useChanges((listener) => breaks?.onChange(listener) ?? (() => {}), breaks)
  const story = breaks?.answer.story ?? []
  const entries: TimelineEntry[] = [
    ...installation.events.map(({ id, ...event }) => ({ ...event, key: `event ${id}` })),
    ...story.map(({ id, ...entry }) => ({ ...entry, key: `story ${id}` })),
  ].sort((a, b) => b.atMs - a.atMs)
  return <Timeline entries={entries} isAsked={installation.stream === 'lost'} onSelect={onSelect} />
}
