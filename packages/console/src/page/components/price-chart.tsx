import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { Board } from '../board/board.ts'
import { SAMPLES, type Row } from '../board/row.ts'
import { clockTime, price } from '../format.ts'
import { fade, readPalette, type Palette } from '../palette.ts'
import type { Preferences } from '../preferences.ts'

interface Props {
  readonly board: Board
  readonly row: Row
  readonly preferences: Preferences
}

/** A chart of the first seconds would be one fat zigzag; it spans at least this. */
const SPAN_MIN_S = 60
const HEIGHT = 216

/** The last five minutes of a symbol, a point a second. Where it was not live there is no line, but a shade. */
export function PriceChart({ board, row, preferences }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const reading = useRef<HTMLParagraphElement>(null)
  useEffect(() => {
    const element = host.current!
    const say = (text: string) => {
      if (reading.current !== null) reading.current.textContent = text
    }
    const chart = new Chart(element, board, row, say)
    const stop = board.onChange(() => chart.draw())
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const onScheme = () => chart.recolour()
    dark.addEventListener('change', onScheme)
    return () => {
      stop()
      dark.removeEventListener('change', onScheme)
      chart.destroy()
    }
  }, [board, row, preferences])
  return (
    <figure class="price-chart">
      <div ref={host} role="img" aria-label={`Price of ${row.symbol} over the last minutes`} />
      <p ref={reading} class="reading" aria-hidden="true" />
    </figure>
  )
}

type Points = [times: number[], prices: (number | null)[]]

class Chart {
  readonly #element: HTMLElement
  readonly #board: Board
  readonly #row: Row
  readonly #plot: uPlot
  readonly #observer: ResizeObserver
  #palette: Palette

  constructor(element: HTMLElement, board: Board, row: Row, say: (text: string) => void) {
    this.#element = element
    this.#board = board
    this.#row = row
    this.#palette = readPalette(element)
    this.#plot = new uPlot(this.#options(say), this.#points(), element)
    this.#observer = new ResizeObserver(() => this.#plot.setSize({ width: element.clientWidth, height: HEIGHT }))
    this.#observer.observe(element)
  }

  draw(): void {
    this.#plot.setData(this.#points())
  }

  recolour(): void {
    this.#palette = readPalette(this.#element)
    this.#plot.redraw(false, true)
  }

  destroy(): void {
    this.#observer.disconnect()
    this.#plot.destroy()
  }

  /** The samples in order, and the price of this very moment. */
  #points(): Points {
    const { sampleCount, sampleTimes } = this.#board
    const { samples, state } = this.#row
    const times: number[] = []
    const prices: (number | null)[] = []
    for (let sample = Math.max(0, sampleCount - SAMPLES); sample < sampleCount; sample++) {
      const value = samples[sample % SAMPLES]!
      times.push(sampleTimes[sample % SAMPLES]! / 1_000)
      prices.push(Number.isNaN(value) ? null : value)
    }
    times.push(Date.now() / 1_000)
    prices.push(state.state === 'live' ? (this.#row.number('last') ?? null) : null)
    return [times, prices]
  }

  #options(say: (text: string) => void): uPlot.Options {
    const { decimals } = this.#row
    const axis = { stroke: () => this.#palette['text-2'], font: '11px system-ui', ticks: { show: false } }
    const rising = () => (this.#row.change ?? 0) >= 0
    const colour = () => (rising() ? this.#palette.up : this.#palette.down)
    return {
      width: Math.max(200, this.#element.clientWidth),
      height: HEIGHT,
      padding: [10, 4, 0, 8],
      legend: { show: false },
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
      scales: {
        x: { range: (_plot, _min, max) => [Math.min(this.#firstTime(max), max - SPAN_MIN_S), max] },
        y: { range: (_plot, min, max) => padded(min, max, decimals) },
      },
      axes: [
        { ...axis, size: 26, space: 70, grid: { show: false }, values: (_plot, ticks) => ticks.map((tick) => clockTime(tick * 1_000)) },
        {
          ...axis,
          side: 1,
          size: 12 + 7 * price(this.#row.number('last') ?? 0, decimals).length,
          space: 36,
          grid: { stroke: () => this.#palette.line, width: 1 },
          values: (_plot, ticks) => ticks.map((tick) => price(tick, decimals)),
        },
      ],
      series: [
        {},
        {
          width: 1.5,
          stroke: colour,
          fill: (plot) => gradient(plot, colour()),
          paths: uPlot.paths.stepped!({ align: 1 }),
          points: { show: false },
        },
      ],
      hooks: {
        drawClear: [(plot) => this.#shadeHoles(plot)],
        setCursor: [(plot) => say(readingAt(plot, decimals))],
      },
    }
  }

  #firstTime(max: number): number {
    const { sampleCount, sampleTimes } = this.#board
    if (sampleCount === 0) return max
    return sampleTimes[sampleCount > SAMPLES ? sampleCount % SAMPLES : 0]! / 1_000
  }

  /** Time during which nobody knew the price. Before the first price there is nothing to shade. */
  #shadeHoles(plot: uPlot): void {
    const [times, prices] = plot.data as unknown as Points
    const { ctx, bbox } = plot
    const first = prices.findIndex((value) => value !== null)
    ctx.save()
    ctx.fillStyle = fade(this.#palette.stale, 0.16)
    for (let index = Math.max(1, first); first >= 0 && index < times.length; index++) {
      if (prices[index] !== null) continue
      // Overlapping pieces would be darker: each reaches from its own time to the next, the first of a hole from the last known.
      const left = plot.valToPos(times[prices[index - 1] === null ? index : index - 1]!, 'x', true)
      const right = plot.valToPos(times[Math.min(index + 1, times.length - 1)]!, 'x', true)
      ctx.fillRect(left, bbox.top, right - left, bbox.height)
    }
    ctx.restore()
  }
}

/** A flat line sits in the middle, and a move of one tick is not a cliff. */
function padded(min: number | null, max: number | null, decimals: number): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1]
  const margin = Math.max((max - min) * 0.12, max * 0.0004, 2 * 10 ** -decimals)
  return [min - margin, max + margin]
}

function gradient(plot: uPlot, colour: string): CanvasGradient {
  const { top, height } = plot.bbox
  const fill = plot.ctx.createLinearGradient(0, top, 0, top + height)
  fill.addColorStop(0, fade(colour, 0.28))
  fill.addColorStop(1, fade(colour, 0))
  return fill
}

function readingAt(plot: uPlot, decimals: number): string {
  const [times, prices] = plot.data as unknown as Points
  const index = plot.cursor.idx
  if (index === null || index === undefined || times[index] === undefined) return ''
  const value = prices[index]
  return `${clockTime(times[index] * 1_000)}  ${value == null ? 'not known' : price(value, decimals)}`
}
