import { render } from 'preact'
import './styles/tokens.css'
import './styles/frame.css'
import './styles/strip.css'
import './styles/grid.css'
import './styles/detail.css'
import './styles/panels.css'
import './styles/picture.css'
import './styles/installation.css'
import './styles/node-details.css'
import './styles/finder.css'
import './styles/asks.css'
import './styles/breaks.css'
import 'uplot/dist/uPlot.min.css'
import { App } from './app.tsx'
import { Board } from './board/board.ts'
import { Breaks } from './installation/breaks.ts'
import { Installation } from './installation/installation.ts'
import { applyPreferences, loadPreferences } from './preferences.ts'
import { loadSettings } from './settings.ts'
import { loadToken } from './token.ts'

const page = document.querySelector('#page')!

async function main(): Promise<void> {
  const preferences = loadPreferences(localStorage, navigator.language)
  applyPreferences(document.documentElement, preferences)
  const settings = await loadSettings(location.search)
  const parts = {
    board: new Board(settings, loadToken(sessionStorage)),
    installation: settings.installation ? new Installation() : null,
    breaks: settings.breaks ? new Breaks() : null,
    asks: settings.asks,
  }
  render(<App {...parts} preferences={preferences} />, page)
}

main().catch((error: Error) => {
  render(
    <p class="fatal" role="alert">
      {error.message}
    </p>,
    page,
  )
})
