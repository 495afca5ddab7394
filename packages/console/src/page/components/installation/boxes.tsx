import type { FeedAnswer, NodeAnswer } from '../../installation/answers.ts'
import { oldest, standing, toneOf } from '../../installation/tone.ts'
import { count, duration } from '../../format.ts'
import { partitionsInWords } from '../../installation/words.ts'

/** More partitions than this are a number. */
const DOTS_MAX = 40
/** Has no room in the size of others. */
const LONG_NUMBER = 1_000_000

export function FeedBox({ feed }: { feed: FeedAnswer }) {
  const ages = feed.partitions.map(({ pulseAgeMs }) => pulseAgeMs)
  const age = oldest(ages)
  return (
    <>
      <b>
        {feed.feed} <Age ms={age} />
      </b>
      <small>
        {feed.topic ?? 'unknown topic'}, gen. {feed.generation}
      </small>
      {feed.next !== null && <small class="moving">moving to {feed.next.topic}</small>}
      {ages.length <= DOTS_MAX ? (
        <span class="dots" role="img" aria-label={`${ages.length} partitions`}>
          {ages.map((ageMs, partition) => (
            <i key={partition} class={toneOf(ageMs)} title={`partition ${partition}: ${ageMs === null ? 'no pulse' : duration(ageMs)}`} />
          ))}
        </span>
      ) : (
        <small>{count(ages.length)} partitions</small>
      )}
    </>
  )
}

export function NodeBox({ node, isTile }: { node: NodeAnswer; isTile: boolean }) {
  const { text, tone } = standing(node)
  return (
    <>
      <b>
        <i class={`light ${tone}`} aria-hidden="true" />
        {node.node}
        {tone !== 'fresh' && <em class={tone}>{text}</em>}
        {node.role === 'gateway' && tone === 'fresh' && <small>{count(node.load.sessions)}</small>}
      </b>
      <Second node={node} isTile={isTile} />
    </>
  )
}

function Second({ node, isTile }: { node: NodeAnswer; isTile: boolean }) {
  if (node.role === 'gateway') {
    return (
      <span class="ways">
        {byLine(node).map(([line, ms]) => (
          <span key={line}>
            <small>{line}</small> <Age ms={ms} />
          </span>
        ))}
      </span>
    )
  }
  if (node.role === 'push') {
    const age = oldest(node.feeds.map(({ pulseAgeMs }) => pulseAgeMs))
    return (
      <>
        {!isTile && <small>{partitionsInWords(node)}</small>}
        <span class="ways">
          <span>
            <small>log</small> <Age ms={age} />
          </span>
        </span>
      </>
    )
  }
  return null
}

/** The freshest way of each line: the one that counts. */
function byLine({ links }: NodeAnswer): (readonly [line: string, ageMs: number | null])[] {
  const lines = [...new Set(links.map(({ line }) => line))].sort()
  return lines.map((line) => {
    const ages = links.flatMap((link) => (link.line === line && link.state === 'open' && link.pulseAgeMs !== null ? [link.pulseAgeMs] : []))
    return [line, ages.length === 0 ? null : Math.min(...ages)]
  })
}

/** @param name of a gateway; `all`: those of all gateways. */
export function ClientsBox({ name, nodes }: { name: string; nodes: ReadonlyMap<string, NodeAnswer> }) {
  const gateways = name === 'all' ? [...nodes.values()].filter(({ role }) => role === 'gateway') : [nodes.get(name)!]
  const sessions = gateways.reduce((sum, { load }) => sum + load.sessions, 0)
  const proof = name === 'all' ? undefined : oldest(gateways[0]!.probe?.feeds.map(({ pulseAgeMs }) => pulseAgeMs) ?? [])
  return (
    <>
      <b class={`number ${sessions >= LONG_NUMBER ? 'long' : ''}`}>{count(sessions)}</b>
      <small>
        {sessions === 1 ? 'client' : 'clients'} {name === 'all' ? `of ${gateways.length} gateways` : `of ${name}`}
      </small>
      {proof !== undefined && (
        <span class="ways">
          <span>
            <small>proof</small> <Age ms={proof} />
          </span>
        </span>
      )}
    </>
  )
}

export function Age({ ms }: { ms: number | null }) {
  return <span class={`age ${toneOf(ms)}`}>{ms === null ? 'none' : duration(ms)}</span>
}
