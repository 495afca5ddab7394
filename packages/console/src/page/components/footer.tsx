import type { Board } from '../board/board.ts'
import { clockTime } from '../format.ts'

export function Footer({ board }: { board: Board }) {
  const [newest] = board.journal.entries
  return (
    <footer>
      <details class="journal">
        <summary aria-live="polite">
          {newest === undefined ? 'Nothing has happened yet.' : `${clockTime(newest.atMs)}  ${newest.text}`}
        </summary>
        <ol>
          {board.journal.entries.map(({ atMs, text }) => (
            <li key={`${atMs} ${text}`}>
              <time>{clockTime(atMs)}</time> {text}
            </li>
          ))}
        </ol>
      </details>
      <p class="keys" aria-hidden="true">
        <kbd>↑</kbd> <kbd>↓</kbd> move <kbd>Enter</kbd> details <kbd>/</kbd> search <kbd>Esc</kbd> close
      </p>
    </footer>
  )
}
