import { useState } from 'preact/hooks'
import { CONSOLE_USER } from '../../board/board.ts'
import { clockTime } from '../../format.ts'
import { askSessions, type SessionsAnswer } from '../../installation/sessions.ts'
import { AskPanel } from './ask-panel.tsx'

/** Where a user is, or was last, and what happened there. */
export function SessionsPanel({ onSelect }: { onSelect: (node: string) => void }) {
  const [who, setWho] = useState(CONSOLE_USER)
  const told = (answer: SessionsAnswer) => <Told answer={answer} onSelect={onSelect} />
  return (
    <AskPanel title="Sessions" kind="trace sessions" verb="Find" ask={() => askSessions(who.trim())} told={told}>
      <label>
        <span>user or session</span>
        <input required value={who} spellcheck={false} onInput={(event) => setWho(event.currentTarget.value)} />
      </label>
    </AskPanel>
  )
}

function Told({ answer, onSelect }: { answer: SessionsAnswer; onSelect: (node: string) => void }) {
  return (
    <>
      {answer.head.map((line) => (
        <p key={line}>{line}</p>
      ))}
      <dl class="hops-said">
        {answer.events.toReversed().map(({ at, node, session, what, detail, times }, index) => (
          <div key={index}>
            <dt>
              <time>{clockTime(at)}</time> {what}
              {times > 1 && ` ×${times}`}
            </dt>
            <dd>
              <button type="button" class="link" onClick={() => onSelect(node)}>
                {session === '' ? node : session}
              </button>
              : {detail}
            </dd>
          </div>
        ))}
      </dl>
    </>
  )
}
