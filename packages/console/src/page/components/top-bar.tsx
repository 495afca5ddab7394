import type { Summary } from '../board/summary.ts'
import { THEMES, type Preferences } from '../preferences.ts'
import { connectionInWords } from '../words.ts'

interface Props {
  readonly summary: Summary
  readonly preferences: Preferences
  readonly onPreferences: (preferences: Preferences) => void
  /** Which of the two is open; `null`: there is only the board. */
  readonly view: 'board' | 'installation' | null
}

const THEME_NAMES = { system: 'Auto', light: 'Light', dark: 'Dark' } as const

export function TopBar({ summary, preferences, onPreferences, view }: Props) {
  const { theme, riseColour } = preferences
  const redUp = riseColour === 'red-up'
  const nextTheme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!
  return (
    <header class="top-bar">
      <h1>
        <svg viewBox="0 0 32 20" aria-hidden="true">
          <path d="M1 11h7l3-9 5 17 4-12 2 4h9" />
        </svg>
        Pulsewire {view === null && <span>Quote board</span>}
      </h1>
      {view !== null && (
        <nav aria-label="Views">
          <a href="#installation" aria-current={view === 'installation' ? 'page' : undefined}>
            Installation
          </a>
          <a href="#board" aria-current={view === 'board' ? 'page' : undefined}>
            Quote board
          </a>
        </nav>
      )}
      <p class={`connection ${summary.connection}`} title={summary.url}>
        <i aria-hidden="true" />
        <span>{connectionInWords(summary.connection, summary.node)}</span>
      </p>
      <div class="switches">
        <button
          type="button"
          class="rise-switch"
          aria-label={`Colours: ${redUp ? 'red is up' : 'green is up'}. Change`}
          title={redUp ? 'Red is up, green is down' : 'Green is up, red is down'}
          onClick={() => onPreferences({ ...preferences, riseColour: redUp ? 'green-up' : 'red-up' })}
        >
          <span class="up" aria-hidden="true">
            ▲
          </span>
          <span class="down" aria-hidden="true">
            ▼
          </span>
        </button>
        <button
          type="button"
          class="theme-switch"
          aria-label={`Theme: ${THEME_NAMES[theme]}. Change to ${THEME_NAMES[nextTheme]}`}
          onClick={() => onPreferences({ ...preferences, theme: nextTheme })}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <circle cx="8" cy="8" r="6.2" />
            <path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" />
          </svg>
          <span>{THEME_NAMES[theme]}</span>
        </button>
      </div>
    </header>
  )
}
