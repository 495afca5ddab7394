import type { Ref } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { Board } from '../../board/board.ts'
import type { TopologyAnswer } from '../../installation/answers.ts'
import type { Breaks } from '../../installation/breaks.ts'
import type { Installation } from '../../installation/installation.ts'
import { matches } from '../../installation/search.ts'
import { clockTime, count, longDuration } from '../../format.ts'
import { useChanges } from '../../hooks.ts'
import type { Preferences } from '../../preferences.ts'
import { BreakPanel } from './break-panel.tsx'
import { MiniBoard } from './mini-board.tsx'
import { MsPlot } from './ms-plot.tsx'
import { NodeDetails } from './node-details.tsx'
import { Picture } from './picture.tsx'
import { SessionsPanel } from './sessions-panel.tsx'
import { TracksPanel } from './tracks-panel.tsx'
import { TracePanel } from './trace-panel.tsx'
import { Timeline, type TimelineEntry } from './timeline.tsx'

interface Props {
  readonly board: Board
  readonly installation: Installation
  readonly breaks: Breaks | null
  readonly asks: boolean
  readonly preferences: Preferences
  readonly search: Ref<HTMLInputElement>
}

/** The installation: its picture, what has happened in it, and beside them the quotes that it delivers. */
export function InstallationView({ board, installation, breaks, asks, preferences, search }: Props) {
  useChanges((listener) => installation.onChange(listener), installation)
  const [query, setQuery] = useState('')
  const [selected, setSelected] = useState<string | null>(null)
  const { topology } = installation
  const found = useMemo(() => foundIn(topology, query), [topology, query])
  const node = topology?.nodes.find(({ node: name }) => selected === `node/${name}` || selected === `clients/${name}`)
  return (
    <main class={`installation ${breaks === null ? '' : 'breakable'}`}>
      {breaks !== null && <BreakPanel breaks={breaks} />}
      <div class="middle">
        <Finder
          topology={topology}
          query={query}
          found={found}
          search={search}
          onQuery={setQuery}
          onFirst={() => {
            const [first] = found
            if (first !== undefined) setSelected(`node/${first}`)
          }}
        />
        <Trouble installation={installation} />
        {topology === null ? (
          <p class="empty">Asking the balancer…</p>
        ) : (
          <Picture topology={topology} found={found} selected={selected} onSelect={setSelected} />
        )}
        {topology !== null && <TracksPanel tracks={topology.tracks} grey={topology.grey} />}
        {asks && <TracePanel onSelect={(name) => setSelected(`node/${name}`)} />}
        {asks && <SessionsPanel onSelect={(name) => setSelected(`node/${name}`)} />}
        {topology !== null && node !== undefined ? (
          <NodeDetails
            key={node.node}
            installation={installation}
            topology={topology}
            node={node}
            preferences={preferences}
            onClose={() => setSelected(null)}
          />
        ) : (
          <MsPlot
            label="Freshness of the installation over the last minutes"
            installation={installation}
            preferences={preferences}
            series={SERIES}
          />
        )}
      </div>
      <div class="side">
        <MiniBoard board={board} />
        <Timelines installation={installation} breaks={breaks} onSelect={(name) => setSelected(`node/${name}`)} />
      </div>
    </main>
  )
}

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

interface FinderProps {
  readonly topology: TopologyAnswer | null
  readonly query: string
  readonly found: ReadonlySet<string>
  readonly search: Ref<HTMLInputElement>
  readonly onQuery: (query: string) => void
  readonly onFirst: () => void
}

function Finder({ topology, query, found, search, onQuery, onFirst }: FinderProps) {
  const all = topology?.nodes.length ?? 0
  return (
    <div class="finder">
      <search class="search">
        <input
          ref={search}
          type="search"
          placeholder="Node, line, zone, version or reason"
          aria-label="Search nodes"
          aria-keyshortcuts="/"
          autocomplete="off"
          spellcheck={false}
          value={query}
          onInput={(event) => onQuery(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') onFirst()
            else if (event.key === 'Escape') onQuery('')
          }}
        />
        <kbd>/</kbd>
      </search>
      <output class="shown">{query === '' ? `${count(all)} nodes` : `${count(found.size)} of ${count(all)} nodes`}</output>
      <p class="legend">
        Age of the newest pulse: <span class="age fresh">live</span> <span class="age aging">late</span>{' '}
        <span class="age stale">stale</span>
      </p>
    </div>
  )
}

/** What holds for all: nobody answers, the directory is silent, clients are given unproven gateways. */
function Trouble({ installation }: { installation: Installation }) {
  const { failedSinceMs, topology } = installation
  const lines: string[] = []
  if (failedSinceMs !== null)
    lines.push(
      `The balancer has not answered since ${clockTime(failedSinceMs)}${topology === null ? '.' : ': the picture is what was known last.'}`,
    )
  for (const { track, message, sinceMs } of topology?.degraded ?? [])
    lines.push(`Track ${track}, for ${longDuration(topology!.atMs - sinceMs)}: ${message}`)
  return (
    <div class="troubles" role="status">
      {lines.map((line) => (
        <p key={line.slice(0, 24)}>{line}</p>
      ))}
    </div>
  )
}

function Timelines({ installation, breaks, onSelect }: Pick<Props, 'installation' | 'breaks'> & { onSelect: (node: string) => void }) {
  useChanges((listener) => breaks?.onChange(listener) ?? (() => {}), breaks)
  const story = breaks?.answer.story ?? []
  const entries: TimelineEntry[] = [
    ...installation.events.map(({ id, ...event }) => ({ ...event, key: `event ${id}` })),
    ...story.map(({ id, ...entry }) => ({ ...entry, key: `story ${id}` })),
  ].sort((a, b) => b.atMs - a.atMs)
  return <Timeline entries={entries} onSelect={onSelect} />
}
