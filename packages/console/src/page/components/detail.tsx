import type { Board } from '../board/board.ts'
import type { Row } from '../board/row.ts'
import { amount, clockTime, duration, percent, price, signed } from '../format.ts'
import { useBoard, useRow } from '../hooks.ts'
import type { Preferences } from '../preferences.ts'
import { stateInWords } from '../words.ts'
import { PriceChart } from './price-chart.tsx'
import { CloseButton } from './close-button.tsx'

interface Props {
  readonly board: Board
  readonly row: Row
  readonly preferences: Preferences
  readonly onClose: () => void
}

/** All about one symbol: its price in the last minutes, its book and day, and how we know. */
export function Detail({ board, row, preferences, onClose }: Props) {
  useBoard(board)
  useRow(row)
  const tone = (row.change ?? 0) < 0 ? 'down' : 'up'
  return (
    <aside class={`detail ${row.state.state}`} aria-label={`Details of ${row.symbol}`}>
      <header>
        <h2>
          {row.name || row.symbol} <small>{row.symbol}</small>
        </h2>
        <CloseButton label="Close details" onClick={onClose} />
        <p class={`now ${tone}`}>
          <strong>{price(row.number('last'), row.decimals)}</strong> {signed(row.change, row.decimals)} ({percent(row.changePercent)})
        </p>
        <p class={`state ${row.state.state}`}>
          <i aria-hidden="true" />
          {stateInWords(row.state, Date.now())}
        </p>
      </header>
      <PriceChart board={board} row={row} preferences={preferences} />
      <Book row={row} />
      <DayRange row={row} />
      <dl class="facts">
        <Fact name="Open" value={price(row.number('open'), row.decimals)} />
        <Fact name="Previous close" value={price(row.number('prevClose'), row.decimals)} />
        <Fact name="Volume" value={amount(row.number('volume'))} />
        <Fact name="Turnover" value={amount(row.number('turnover'))} />
      </dl>
      <Proof row={row} />
    </aside>
  )
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

/** Best bid and ask; the bars compare their sizes. */
function Book({ row }: { row: Row }) {
  const bidSize = row.number('bidSize') ?? 0
  const askSize = row.number('askSize') ?? 0
  const share = bidSize + askSize === 0 ? 0.5 : bidSize / (bidSize + askSize)
  const [bid, ask] = [row.number('bid'), row.number('ask')]
  return (
    <div class="book">
      <p class="bid">
        <span>Bid</span> <b>{price(bid, row.decimals)}</b> <small>{amount(bidSize)}</small>
      </p>
      <p class="ask">
        <span>Ask</span> <b>{price(ask, row.decimals)}</b> <small>{amount(askSize)}</small>
      </p>
      <div class="balance" aria-hidden="true">
        <i style={{ width: `${(share * 100).toFixed(1)}%` }} />
      </div>
    </div>
  )
}

/** Where in today's range the last price is. */
function DayRange({ row }: { row: Row }) {
  const [low, high, last] = [row.number('low'), row.number('high'), row.number('last')]
  const share = low === undefined || high === undefined || last === undefined || high <= low ? 0.5 : (last - low) / (high - low)
  return (
    <div class="day-range">
      <span>
        <small>Low</small> {price(low, row.decimals)}
      </span>
      <div aria-hidden="true">
        <i style={{ left: `${(share * 100).toFixed(1)}%` }} />
      </div>
      <span>
        <small>High</small> {price(high, row.decimals)}
      </span>
    </div>
  )
}

/** What makes the price above trustworthy, or not. */
function Proof({ row }: { row: Row }) {
  const { view } = row
  const latencyMs = view?.latencyMs
  const stale = row.state.state === 'stale' && row.state.sinceMs !== undefined
  const proven = view?.ageMs === undefined ? 'not yet' : `${duration(view.ageMs)} ago`
  return (
    <dl class="facts proof" aria-label="Proof of freshness">
      <Fact name="Proven newest" value={stale ? `not since ${clockTime(row.state.sinceMs!)}` : proven} />
      <Fact name="Latency of this record" value={duration(latencyMs === undefined ? undefined : Math.max(0, latencyMs))} />
      <Fact name="Record written" value={view?.ts === undefined ? '–' : clockTime(view.ts)} />
      <Fact name="Position in the log" value={view?.position ?? '–'} />
    </dl>
  )
}
