import type { Summary } from '../board/summary.ts'
import { clockTime, count, longDuration } from '../format.ts'
import { reasonInWords } from '../words.ts'

interface Props {
  readonly summary: Summary
  /** Why the gateway lets nobody see anything without another token. */
  readonly refusal: string | null
  readonly onRetry: () => void
  readonly onToken: (token: string) => void
}

/** Says in words what is not live: nothing at all, or a part. Silent while all is well. */
export function Banner({ summary, refusal, onRetry, onToken }: Props) {
  const { trouble, counts, connection, error } = summary
  const waiting = connection === 'waiting' || connection === 'failed'
  const held = counts.live + counts.stale + counts.pending
  if (refusal !== null) return <TokenForm refusal={refusal} onToken={onToken} />
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

function TokenForm({ refusal, onToken }: Pick<Props, 'onToken'> & { readonly refusal: string }) {
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault()
    onToken(String(new FormData(event.currentTarget as HTMLFormElement).get('token')).trim())
  }
  return (
    <div role="alert" class="banner whole">
      <p>
        <strong>The gateway shows nothing to this page.</strong> <span class="said">{refusal}</span>
      </p>
      <form onSubmit={onSubmit}>
        <input type="password" name="token" placeholder="Token" aria-label="Token for the gateway" autocomplete="off" required />
        <button type="submit">Use it</button>
      </form>
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
