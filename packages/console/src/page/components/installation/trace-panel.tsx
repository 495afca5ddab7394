import { useState } from 'preact/hooks'
import { askTrace, type TraceAnswer } from '../../installation/trace.ts'
import { AskPanel } from './ask-panel.tsx'
import { Prose } from './prose.tsx'

const MARKS = { broken: '✗', degraded: '!', well: '✓' } as const

/** Hops that have no details. */
const NO_NODES: ReadonlySet<string> = new Set(['client', 'log'])

/** What is traced. */
export interface Traced {
  readonly feed: string
  readonly symbol: string
  /** A user, or a session by its name; empty: nobody's. */
  readonly who: string
}

interface Props {
  /** What its fields begin with. */
  readonly traced: Traced
  readonly atOnce: boolean
  readonly onSelect: (node: string) => void
}

/** Walks the way of one symbol to one user, and says which hop broke. */
export function TracePanel({ traced, atOnce, onSelect }: Props) {
  const [symbol, setSymbol] = useState(traced.symbol)
  const [who, setWho] = useState(traced.who)
  const ask = () => askTrace(traced.feed, symbol.trim(), who.trim())
  const told = (answer: TraceAnswer) => <Told answer={answer} onSelect={onSelect} />
  return (
    <AskPanel title="Trace" kind="trace" verb="Trace" ask={ask} told={told} atOnce={atOnce}>
      <label>
        <span>symbol</span>
        <input required value={symbol} spellcheck={false} onInput={(event) => setSymbol(event.currentTarget.value)} />
      </label>
      <label>
        <span>to user or session</span>
        <input value={who} spellcheck={false} placeholder="anybody" onInput={(event) => setWho(event.currentTarget.value)} />
      </label>
    </AskPanel>
  )
}

function Told({ answer, onSelect }: { answer: TraceAnswer; onSelect: (node: string) => void }) {
  return (
    <>
      <ul class="findings">
        {answer.findings.map(({ code, severity, hop, sentence, remedy }) => (
          <li key={`${code} ${hop}`} class={severity}>
            <i aria-hidden="true">{MARKS[severity]}</i>
            <p>
              <b>{code}</b> at{' '}
              {NO_NODES.has(hop) ? (
                <b>{hop}</b>
              ) : (
                <button type="button" class="link" onClick={() => onSelect(hop)}>
                  {hop}
                </button>
              )}
              : {sentence}
              {(severity !== 'well' || answer.findings.length === 1) && (
                <small>
                  {' '}
                  <Prose text={remedy} />
                </small>
              )}
            </p>
          </li>
        ))}
      </ul>
      <dl class="hops-said">
        {answer.rows.map(([what, text], index) => (
          <div key={index}>
            <dt>{what}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}
