import type { Summary } from '../board/summary.ts'
import { clockTime, count, longDuration } from '../format.ts'
import { reasonInWords } from '../words.ts'

/** Says in words what is not live: nothing at all, or a part. Silent while all is well. */
export function Banner({ summary, onRetry }: { summary: Summary; onRetry: () => void }) {
  const { trouble, counts, connection, error } = summary
  const waiting = connection === 'waiting' || connection === 'failed'
  const held = counts.live + counts.stale + counts.pending
  if (trouble === null && !(waiting && held === 0)) return <div role="status" class="banner-place" />
  const whole = trouble?.everything ?? true
  return (
    <div role="alert" class={`banner ${whole ? 'whole' : 'part'}`}>
      <p>
        <strong>{headline(summary)}</strong>{' '}
        {trouble !== null && (whole ? 'What is shown below is the last known.' : 'The others are live.')}
        {trouble?.state.message !== undefined && <span class="said"> {trouble.state.message}</span>}
        {trouble === null && error !== undefined && <span class="said"> {error}</span>}
      </p>
      {waiting && (
        <button type="button" onClick={onRetry}>
          Try now
        </button>
      )}
    </div>
  )
}

function headline({ trouble, counts, connection }: Summary): string {
  if (trouble === null) return connection === 'failed' ? 'The gateway refuses this page.' : 'No gateway answers; trying again.'
  const since = `since ${clockTime(trouble.sinceMs)} (${longDuration(Date.now() - trouble.sinceMs)})`
  const why = reasonInWords(trouble.state)
  if (trouble.everything) return `Nothing is live ${since}: ${why}.`
  return `${count(counts.stale)} of ${count(counts.stale + counts.live)} symbols are stale ${since}: ${why}.`
}
