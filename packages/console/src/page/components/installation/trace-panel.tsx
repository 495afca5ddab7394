import { useState } from 'preact/hooks'
import { CONSOLE_USER } from '../../board/board.ts'
import { askTrace, type TraceAnswer } from '../../installation/trace.ts'
import { AskPanel } from './ask-panel.tsx'

const MARKS = { broken: '✗', degraded: '!', well: '✓' } as const

/** Walks the way of one symbol to one user, and says which hop broke. */
export function TracePanel({ onSelect }: { onSelect: (node: string) => void }) {
  const [symbol, setSymbol] = useState('AAPL.US')
  const [user, setUser] = useState(CONSOLE_USER)
  const told = (answer: TraceAnswer) => <Told answer={answer} onSelect={onSelect} />
  return (
    <AskPanel title="Trace" kind="trace" verb="Trace" ask={() => askTrace(symbol.trim(), user.trim())} told={told}>
      <label>
        <span>symbol</span>
        <input required value={symbol} spellcheck={false} onInput={(event) => setSymbol(event.currentTarget.value)} />
      </label>
      <label>
        <span>to user</span>
        <input value={user} spellcheck={false} placeholder="anybody" onInput={(event) => setUser(event.currentTarget.value)} />
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
              <button type="button" class="link" onClick={() => onSelect(hop)}>
                {hop}
              </button>
              : {sentence}
              {severity !== 'well' && <small> {remedy}</small>}
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
