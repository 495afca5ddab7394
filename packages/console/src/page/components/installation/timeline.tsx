import type { EventTone } from '../../installation/answers.ts'
import { clockTime } from '../../format.ts'

export interface TimelineEntry {
  readonly key: string
  readonly atMs: number
  readonly tone: EventTone
  readonly message: string
  readonly node?: string
}

interface Props {
  /** Newest first. */
  readonly entries: readonly TimelineEntry[]
  /** There is no stream: news come when the page asks. */
  readonly isAsked: boolean
  readonly onSelect: (node: string) => void
}

const SHOWN_MAX = 150
const MARKS = { good: '✓', bad: '!', plain: '·' } as const
const MEANINGS = { good: 'good news', bad: 'trouble', plain: 'news' } as const

/** What has happened, newest first. */
export function Timeline({ entries, isAsked, onSelect }: Props) {
  return (
    <section class="panel timeline" role="log" aria-label="Timeline">
      <h3>
        Timeline
        {isAsked && (
          <small class="asked" title="The balancer's stream is not to be had, so the page asks once a second.">
            no stream: asked once a second
          </small>
        )}
      </h3>
      {entries.length === 0 && <p class="empty">Nothing has happened yet.</p>}
      <ol>
        {entries.slice(0, SHOWN_MAX).map(({ key, atMs, tone, message, node }) => (
          <li key={key} class={tone}>
            <i role="img" aria-label={MEANINGS[tone]}>
              {MARKS[tone]}
            </i>
            <time>{clockTime(atMs)}</time>
            {node === undefined ? (
              <p>{message}</p>
            ) : (
              <p>
                <button type="button" class="link" onClick={() => onSelect(node)}>
                  {node}
                </button>
                {withoutNode(message, node)}
              </p>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}

/** The node begins most sentences; where it does not, it is told before. */
function withoutNode(message: string, node: string): string {
  return message.startsWith(node) ? message.slice(node.length) : `: ${message}`
}
