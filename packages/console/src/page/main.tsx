import { render } from 'preact'
import './styles/tokens.css'
import './styles/frame.css'
import './styles/strip.css'
import './styles/grid.css'
import './styles/detail.css'
import 'uplot/dist/uPlot.min.css'
import { App } from './app.tsx'
import { Board } from './board/board.ts'
import { applyPreferences, loadPreferences } from './preferences.ts'
import { loadSettings } from './settings.ts'

const page = document.querySelector('#page')!

async function main(): Promise<void> {
  const preferences = loadPreferences(localStorage, navigator.language)
  applyPreferences(document.documentElement, preferences)
  const board = new Board(await loadSettings(location.search))
  render(<App board={board} preferences={preferences} />, page)
}

main().catch((error: Error) => {
  render(
    <p class="fatal" role="alert">
      {error.message}
    </p>,
    page,
  )
})
