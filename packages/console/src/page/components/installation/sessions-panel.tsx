import { useState } from 'preact/hooks'
import { CONSOLE_USER } from '../../board/board.ts'
import { clockTime } from '../../format.ts'
import { askSessions, type SessionsAnswer } from '../../installation/sessions.ts'

type State =
  | { readonly is: 'idle' | 'asking' }
  | { readonly is: 'failed'; readonly why: string }
  | { readonly is: 'told'; readonly answer: SessionsAnswer }

/** Where a user is, or was last, and what happened there. */
export function SessionsPanel({ onSelect }: { onSelect: (node: string) => void }) {
  const [who, setWho] = useState(CONSOLE_USER)
  const [state, setState] = useState<State>({ is: 'idle' })
  const ask = async () => {
    setState({ is: 'asking' })
    try {
      setState({ is: 'told', answer: await askSessions(who.trim()) })
    } catch (error) {
      setState({ is: 'failed', why: (error as Error).message })
    }
  }
  return (
    <section class="trace sessions" aria-label="Sessions">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void ask()
        }}
      >
        <h3>Sessions</h3>
        <label>
          <span>user or session</span>
          <input required value={who} spellcheck={false} onInput={(event) => setWho(event.currentTarget.value)} />
        </label>
        <button type="submit" disabled={state.is === 'asking'}>
          {state.is === 'asking' ? 'Asking…' : 'Find'}
        </button>
      </form>
      <div role="status">
        {state.is === 'failed' && <p class="problem">{state.why}</p>}
        {state.is === 'told' && <Told answer={state.answer} onSelect={onSelect} />}
      </div>
    </section>
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
