import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { NodeAnswer, TopologyAnswer } from '../../installation/answers.ts'
import type { Installation } from '../../installation/installation.ts'
import { partitionsInWords, roleInWords, wordInWords } from '../../installation/words.ts'
import { standing, toneOf } from '../../installation/tone.ts'
import { clockTime, count, duration, longDuration } from '../../format.ts'
import type { Preferences } from '../../preferences.ts'
import { Age } from './boxes.tsx'
import { MsPlot } from './ms-plot.tsx'
import { StagesTable } from './stages-table.tsx'
import { CloseButton } from '../close-button.tsx'

interface Props {
  readonly installation: Installation
  readonly topology: TopologyAnswer
  readonly node: NodeAnswer
  /** Whether it may be asked itself. */
  readonly asks: boolean
  readonly preferences: Preferences
  readonly onClose: () => void
}

/** All that is known of one node: the verdict with its reasons, what it serves, how it fares. */
export function NodeDetails({ installation, topology, node, asks, preferences, onClose }: Props) {
  const element = useRef<HTMLElement>(null)
  // On a phone it opens below what is in sight.
  useEffect(() => element.current?.scrollIntoView({ block: 'nearest' }), [])
  const { text, tone } = standing(node)
  const { lease, load, vitals, probe, links, reasons, fault } = node
  const { atMs } = topology
  return (
    <aside ref={element} class="panel node-details" aria-label={`Details of ${node.node}`}>
      <header>
        <h2>
          {node.node} <small>{roleInWords(node)}</small>
        </h2>
        <p class={`standing ${tone}`}>
          {text} <small>for {longDuration(atMs - node.sinceMs)}</small>
        </p>
        <CloseButton label="Close the details" onClick={onClose} />
      </header>
      {(reasons.length > 0 || fault !== null) && (
        <ul class="reasons">
          {fault !== null && <li>{fault}</li>}
          {reasons.map(({ code, message, sinceMs }) => (
            <li key={`${code} ${message}`}>
              <b>{code}</b> {message} <small>since {clockTime(sinceMs)}</small>
            </li>
          ))}
        </ul>
      )}
      <dl class="facts">
        <Fact name="Version">{node.version}</Fact>
        <Fact name="Up">{vitals === null ? '–' : longDuration(vitals.uptimeMs)}</Fact>
        <Fact name="Zone, track">
          {node.zone}, {node.track}
        </Fact>
        <Fact name="Lease">
          {lease.state}, {duration(lease.beatAgeMs)} old
        </Fact>
        <Fact name="Operator">{wordInWords(node)}</Fact>
        <Fact name="Address">{node.addresses.join(', ') || '–'}</Fact>
        <Fact name="Busy">{Math.round(load.busy * 100)} %</Fact>
        <Fact name="Event loop">{vitals === null ? '–' : duration(vitals.loopDelayMs)}</Fact>
        <Fact name="Memory">{vitals === null ? '–' : `${Math.round(vitals.memoryBytes / 1024 ** 2)} MiB`}</Fact>
        {load.sessionsMax > 0 && (
          <Fact name={node.role === 'push' ? 'Receivers' : 'Clients'}>
            {count(load.sessions)} of {count(load.sessionsMax)}
          </Fact>
        )}
        {node.role === 'push' && <Fact name="Reads">{partitionsInWords(node)}</Fact>}
        {node.feeds.map(({ feed, generation, topic, pulseAgeMs }) => (
          <Fact key={`${feed} ${generation}`} name={`${feed}, generation ${generation}`}>
            {topic ?? ''} <Age ms={pulseAgeMs} />
          </Fact>
        ))}
        {worstFirst(links).map(({ node: push, line, state, pulseAgeMs }) => (
          <Fact key={`${line} ${push}`} name={`Line ${line}`}>
            {push} {state === 'open' ? <Age ms={pulseAgeMs} /> : <span class="age stale">{state}</span>}
          </Fact>
        ))}
        {probe !== null && (
          <Fact name="Probe">
            {probe.state}
            {probe.roundTripMs === null ? '' : `, ${duration(probe.roundTripMs)} round trip`}
            {probe.failure === null || probe.state === 'open' ? '' : `: ${probe.failure}`}
          </Fact>
        )}
        {probe?.entry != null && <Fact name="New sessions">{probe.entry.failure ?? 'let in'}</Fact>}
      </dl>
      {asks && lease.state !== 'left' && <StagesTable node={node.node} fault={fault} />}
      <MsPlot
        label={`Pulse age and event loop of ${node.node}`}
        installation={installation}
        preferences={preferences}
        series={[
          { name: 'pulse age', tone: 'fresh', values: ({ history }) => history.of(node.node).pulseMs },
          { name: 'event loop', tone: 'up', values: ({ history }) => history.of(node.node).loopMs },
        ]}
      />
    </aside>
  )
}

/** Of many links, the one that matters may be the last. */
function worstFirst(links: NodeAnswer['links']): NodeAnswer['links'] {
  const isBad = ({ state, pulseAgeMs }: NodeAnswer['links'][number]) => state !== 'open' || toneOf(pulseAgeMs) !== 'fresh'
  return links.toSorted((a, b) => Number(isBad(b)) - Number(isBad(a)))
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
