import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { NodeAnswer, TopologyAnswer } from '../../installation/answers.ts'
import { layoutOf, type Box, type Layout } from '../../installation/layout.ts'
import { duration } from '../../format.ts'
import { FeedBox, ClientsBox, NodeBox } from './boxes.tsx'
import { nextBox, type Direction } from '../../installation/walk.ts'

interface Props {
  readonly topology: TopologyAnswer
  /** Names of the nodes that pass the search; the others are pale. `null`: none is, because the search is for something else. */
  readonly found: ReadonlySet<string> | null
  /** Id of the box that is looked at. */
  readonly selected: string | null
  readonly onSelect: (id: string | null) => void
}

const DIRECTIONS: Readonly<Record<string, Direction>> = { ArrowUp: 'up', ArrowDown: 'down', ArrowLeft: 'left', ArrowRight: 'right' }

/** The installation in the order of the flow. One tab stop; arrow keys go from box to box, and what is open follows them. */
export function Picture({ topology, found, selected, onSelect }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const width = useWidth(host)
  const layout = useMemo(() => layoutOf(topology, width, selected), [topology, width, selected])
  const nodes = useMemo(() => new Map(topology.nodes.map((node) => [node.node, node])), [topology])
  const [focused, setFocused] = useState<string | null>(null)
  const isThere = (id: string | null) => layout.boxes.some((box) => box.id === id)
  const stop = isThere(focused) ? focused : isThere(selected) ? selected : (layout.boxes[0]?.id ?? null)
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = DIRECTIONS[event.key]
    const from = layout.boxes.find(({ id }) => id === (document.activeElement as HTMLElement | null)?.dataset['box'])
    if (direction === undefined || from === undefined) return
    event.preventDefault()
    const to = nextBox(layout.boxes, from, direction)
    if (to === undefined) return
    if (selected !== null) onSelect(to.id)
    host.current?.querySelector<HTMLElement>(`[data-box="${CSS.escape(to.id)}"]`)?.focus()
  }
  return (
    <div
      class={`picture ${layout.narrow ? 'narrow' : ''}`}
      role="group"
      aria-label="Topology: feeds, push nodes, gateways, clients"
      onKeyDown={onKeyDown}
    >
      <div class="canvas" ref={host} style={{ height: `${layout.height}px` }}>
        <Hops layout={layout} selected={selected} />
        {layout.headings.map(({ text, x, y }) => (
          <h3 key={text} style={{ transform: `translate(${x}px, ${y}px)` }}>
            {text}
          </h3>
        ))}
        {layout.boxes.map((box) => (
          <button
            key={box.id}
            type="button"
            data-box={box.id}
            class={`box ${box.kind} ${toneClass(box, nodes)} ${isPale(box, found) ? 'pale' : ''}`}
            aria-pressed={box.id === selected}
            tabIndex={box.id === stop ? 0 : -1}
            style={{ transform: `translate(${box.x}px, ${box.y}px)`, width: `${box.width}px`, height: `${box.height}px` }}
            onFocus={() => setFocused(box.id)}
            onClick={() => onSelect(box.id === selected ? null : box.id)}
          >
            <Content box={box} topology={topology} nodes={nodes} />
          </button>
        ))}
      </div>
    </div>
  )
}

function Content({ box, topology, nodes }: { box: Box; topology: TopologyAnswer; nodes: ReadonlyMap<string, NodeAnswer> }) {
  if (box.kind === 'feed') return <FeedBox feed={topology.feeds.find(({ feed }) => feed === box.name)!} />
  if (box.kind === 'clients') return <ClientsBox name={box.name} nodes={nodes} />
  return <NodeBox node={nodes.get(box.name)!} isTile={box.height < 60} />
}

function toneClass({ kind, name }: Box, nodes: ReadonlyMap<string, NodeAnswer>): string {
  const node = kind === 'feed' || kind === 'clients' ? undefined : nodes.get(name)
  if (node === undefined) return ''
  return node.handedOut && node.fault === null ? '' : node.lease.state === 'left' ? 'away' : 'bad'
}

function isPale({ kind, name }: Box, found: ReadonlySet<string> | null): boolean {
  return found !== null && kind !== 'feed' && name !== 'all' && !found.has(name)
}

function Hops({ layout, selected }: { layout: Layout; selected: string | null }) {
  if (layout.narrow) return null
  return (
    <svg class={`hops ${layout.labelled ? 'few' : ''}`} width={layout.width} height={layout.height} aria-hidden="true">
      {layout.edges.map(({ id, path, tone, from, to }) => (
        <path key={id} d={path} class={`${tone} ${selected === from || selected === to ? 'chosen' : ''}`} />
      ))}
      {layout.labelled &&
        layout.edges.map(({ id, label, ageMs, tone }) => (
          <text key={id} x={label.x} y={label.y} class={tone}>
            {ageMs === null ? 'none' : ageMs >= 1e5 ? 'lost' : duration(ageMs)}
          </text>
        ))}
    </svg>
  )
}

function useWidth(host: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(900)
  useEffect(() => {
    const element = host.current!
    const measure = () => setWidth(Math.max(280, Math.floor(element.clientWidth)))
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    measure()
    return () => observer.disconnect()
  }, [])
  return width
}
