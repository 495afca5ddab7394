import { useState } from 'preact/hooks'
import type { BreakAnswer } from '../../../breaks-answer.ts'
import type { Breaks } from '../../installation/breaks.ts'
import { longDuration } from '../../format.ts'
import { useChanges } from '../../hooks.ts'

/** Breaks the running demonstration, for real. */
export function BreakPanel({ breaks }: { breaks: Breaks }) {
  useChanges((listener) => breaks.onChange(listener), breaks)
  const { answer, problem } = breaks
  return (
    <section class="panel breaks" aria-label="Break it">
      <h3>Break it</h3>
      <p class="hint">For real, to the processes that run here.</p>
      {problem !== '' && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <ul>
        {answer.breaks.map((one) => (
          <BreakCard key={one.id} one={one} onOrder={(on, target) => void breaks.order(one.id, on, target)} />
        ))}
      </ul>
    </section>
  )
}

function BreakCard({ one, onOrder }: { one: BreakAnswer; onOrder: (on: boolean, target: string) => void }) {
  const { id, title, does, watch, targets, act, undo, active } = one
  const [chosen, setChosen] = useState(targets[0] ?? '')
  const target = active?.target ?? (targets.includes(chosen) ? chosen : (targets[0] ?? ''))
  return (
    <li class={`break ${active === null ? '' : 'active'}`} data-break={id}>
      <div>
        <h4>{title}</h4>
        {active === null ? (
          <button type="button" class="act" onClick={() => onOrder(true, target)}>
            {act}
          </button>
        ) : undo === null ? (
          <span class="heals">heals by itself</span>
        ) : (
          <button type="button" class="undo" onClick={() => onOrder(false, target)}>
            {undo}
          </button>
        )}
      </div>
      <p>
        {active !== null ? (
          <b>
            {target}, {longDuration(Date.now() - active.sinceMs)}.{' '}
          </b>
        ) : (
          targets.length > 1 && (
            <select aria-label={`${title}: which`} value={target} onChange={(event) => setChosen(event.currentTarget.value)}>
              {targets.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )
        )}
        {active === null ? does : watch}
      </p>
    </li>
  )
}
