import { useState } from 'preact/hooks'
import { clockTime } from '../../format.ts'
import { askSessions, type SessionsAnswer } from '../../installation/sessions.ts'
import { AskPanel } from './ask-panel.tsx'

interface Props {
  /** What its field begins with: a user, or a session by its name. */
  readonly of: string
  readonly atOnce: boolean
  readonly onSelect: (node: string) => void
}

/** Where a user is, or was last, and what happened there. */
export function SessionsPanel({ of, atOnce, onSelect }: Props) {
  const [who, setWho] = useState(of)
  const told = (answer: SessionsAnswer) => <Told answer={answer} onSelect={onSelect} />
  return (
    <AskPanel title="Sessions" kind="sessions" verb="Find" ask={() => askSessions(who.trim())} told={told} atOnce={atOnce}>
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
