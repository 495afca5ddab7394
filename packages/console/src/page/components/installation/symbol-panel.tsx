import { useEffect, useRef, useState } from 'preact/hooks'
import { count, duration } from '../../format.ts'
import type { TopologyAnswer } from '../../installation/answers.ts'
import { askHolders, type HolderRow, holdersOf, type HoldersAnswer } from '../../installation/holders.ts'
import { standing } from '../../installation/tone.ts'
import { Age } from './boxes.tsx'
import { TableHead } from '../table-head.tsx'
import { CloseButton } from '../close-button.tsx'

interface Props {
  readonly topology: TopologyAnswer
  readonly feed: string
  readonly symbol: string
  /** As the quote board holds it; `null`: it does not. */
  readonly partition: number | null
  readonly asks: boolean
  readonly onSelect: (node: string) => void
  readonly onTrace: () => void
  readonly onClose: () => void
}

/** Who holds a symbol: of each line the push nodes that read its partition, and the gateways behind them. */
export function SymbolPanel({ topology, feed, symbol, partition: known, asks, onSelect, onTrace, onClose }: Props) {
  const element = useRef<HTMLElement>(null)
  const [told, setTold] = useState<HoldersAnswer | null>(null)
  const [problem, setProblem] = useState('')
  useEffect(() => element.current?.scrollIntoView({ block: 'nearest' }), [])
  useEffect(() => {
    if (!asks) return
    let isWanted = true
    askHolders(feed, symbol).then(
      (answer) => isWanted && setTold(answer),
      (error: Error) => isWanted && setProblem(error.message),
    )
    return () => {
      isWanted = false
    }
  }, [feed, symbol, asks])
  const partition = known ?? told?.partition ?? null
  const { lines, gateways } = holdersOf(topology, feed, partition, told)
  return (
    <section ref={element} class="panel holders" aria-label={`Who holds ${symbol}`}>
      <header>
        <h2>
          {symbol} <small>{whereText(topology, feed, partition)}</small>
        </h2>
        {asks && (
          <button type="button" class="act" onClick={onTrace}>
            Trace
          </button>
        )}
        <CloseButton label={`Close ${symbol}`} onClick={onClose} />
      </header>
      <p role="status">{statusText(asks, told, problem)}</p>
      <div class="scrolls">
        <table class="list">
          <TableHead of={['Node', 'Pulse', 'Position', 'Record', 'Receivers']} />
          {lines.map(({ line, rows }) => (
            <Rows key={line} heading={`Push nodes, line ${line}`} rows={rows} onSelect={onSelect} />
          ))}
          {lines.length === 0 && <Rows heading="Push nodes" rows={[]} onSelect={onSelect} />}
          <Rows heading="Gateways" rows={gateways} onSelect={onSelect} />
        </table>
      </div>
    </section>
  )
}

function Rows({ heading, rows, onSelect }: { heading: string; rows: readonly HolderRow[]; onSelect: (node: string) => void }) {
  return (
    <tbody>
      <tr class="heading">
        <th colSpan={5} scope="rowgroup">
          {heading}
          {rows.length === 0 && <em> nobody holds it</em>}
        </th>
      </tr>
      {rows.map(({ node, ageMs, told }) => (
        <tr key={node.node}>
          <th scope="row">
            <i class={`light ${standing(node).tone}`} aria-hidden="true" />
            <button type="button" class="link" onClick={() => onSelect(node.node)}>
              {node.node}
            </button>
          </th>
          <td>
            <Age ms={ageMs} />
          </td>
          <td>{told === null ? '' : (told.position ?? 'no record')}</td>
          <td>{told?.recordAgeMs == null ? '' : `${duration(told.recordAgeMs)} old`}</td>
          <td>{told === null ? '' : count(told.subscriptions)}</td>
        </tr>
      ))}
    </tbody>
  )
}

function whereText({ feeds }: TopologyAnswer, feed: string, partition: number | null): string {
  const topic = feeds.find((one) => one.feed === feed)?.topic
  return `${feed}, ${partition === null ? 'partition not known yet' : `partition ${partition}`}${topic == null ? '' : ` of ${topic}`}`
}

function statusText(asks: boolean, told: HoldersAnswer | null, problem: string): string {
  if (!asks) return 'By leases; nodes are not asked from this page.'
  if (problem !== '') return `Nodes could not be asked: ${problem}`
  if (told === null) return 'Asking nodes…'
  return told.silent.length === 0 ? '' : `No answer from ${told.silent.join(', ')}`
}
