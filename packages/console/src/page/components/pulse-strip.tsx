import type { Board } from '../board/board.ts'
import type { Stop } from '../board/chain.ts'
import type { Summary } from '../board/summary.ts'
import { count, duration } from '../format.ts'
import type { Preferences } from '../preferences.ts'
import { delayInWords } from '../words.ts'
import { AgeTrace } from './age-trace.tsx'

/** The way of the data from the log to this page, how old it is, and how much of it there is. */
export function PulseStrip({ board, preferences }: { board: Board; preferences: Preferences }) {
  const { summary } = board
  const { counts, chain } = summary
  return (
    <section class="pulse-strip" aria-label="Freshness">
      <Chain summary={summary} />
      <AgeTrace board={board} preferences={preferences} staleAfterMs={summary.staleAfterMs ?? 2_500} />
      <dl class="figures">
        <Figure name="End to end" value={summary.counts.live > 0 ? duration(chain.endToEndMs) : '–'} note="log to you" />
        <Figure name="Updates" value={`${count(summary.updatesPerSecond)}/s`} note={`of ${count(summary.recordsPerSecond)} records/s`} />
        <Figure
          name="Live"
          value={count(counts.live)}
          tone={counts.live > 0 ? 'fresh' : ''}
          note={pending(counts.pending, summary.delayMs)}
        />
        <Figure name="Stale" value={count(counts.stale)} tone={counts.stale > 0 ? 'stale' : ''} note={ended(counts.ended)} />
      </dl>
    </section>
  )
}

function pending(number: number, delayMs: number | undefined): string {
  return number === 0 ? delayInWords(delayMs) || 'proven newest' : `${count(number)} pending`
}

function ended(number: number): string {
  return number === 0 ? 'newest unknown' : `${count(number)} ended`
}

function Figure({ name, value, note, tone = '' }: { name: string; value: string; note: string; tone?: string }) {
  return (
    <div class={`figure ${tone}`}>
      <dt>{name}</dt>
      <dd>
        {value} <small>{note}</small>
      </dd>
    </div>
  )
}

/** `log → push-a1 → gw-1 → you`, with what each arrow took, and where it is broken. */
function Chain({ summary }: { summary: Summary }) {
  const { chain, connection, trouble } = summary
  const stops = chain.stops.length > 0 ? chain.stops : placeholder(summary.node)
  const connected = connection === 'open'
  const culprit = culpritOf(summary, stops)
  // Without a connection it is the last arrow that is broken, whoever was at fault before. While something is live, none is.
  const broken = !connected ? stops.length - 2 : trouble?.everything ? culprit : -1
  return (
    <ol class="chain" aria-label={`Way of the data: ${inWords(stops)}`}>
      {stops.map((stop, index) => (
        <li key={index} class={index === broken || index === culprit ? 'broken' : broken >= 0 && index > broken ? 'beyond' : ''}>
          {index > 0 && <Arrow ms={stop.ms} broken={broken >= 0 && index > broken} first={index === broken + 1} />}
          <span class="nodes">
            {stop.nodes.map((node) => (
              <b key={node}>{node}</b>
            ))}
          </span>
        </li>
      ))}
    </ol>
  )
}

/** Which stop no longer delivers, −1 for none. A node that has lost what is before it is not the one at fault. */
function culpritOf({ trouble }: Summary, stops: readonly Stop[]): number {
  if (trouble === null) return -1
  const index = stops.findIndex(({ nodes }) => nodes.includes(trouble.state.hop ?? ''))
  return trouble.state.reason === 'upstream_disconnected' ? Math.max(-1, index - 1) : index
}

function Arrow({ ms, broken, first }: { ms: number | undefined; broken: boolean; first: boolean }) {
  const tone = broken ? 'stale' : ms === undefined ? '' : ms < 250 ? 'fresh' : ms < 1_000 ? 'aging' : 'stale'
  return (
    <span class={`arrow ${tone}`}>
      <small>{broken ? (first ? 'silent' : ' ') : duration(ms)}</small>
      <i aria-hidden="true" />
    </span>
  )
}

function placeholder(node: string | undefined): Stop[] {
  return [['log'], ['push node'], [node ?? 'gateway'], ['you']].map((nodes) => ({ nodes, ms: undefined }))
}

function inWords(stops: readonly Stop[]): string {
  return stops.map(({ nodes, ms }) => (ms === undefined ? '' : `${duration(ms)} to `) + nodes.join(' or ')).join(', ')
}
