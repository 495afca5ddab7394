import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { Installation } from '../../installation/installation.ts'
import { clockTime, duration } from '../../format.ts'
import { fade, readPalette, type Palette } from '../../palette.ts'
import type { Preferences } from '../../preferences.ts'

export interface MsSeries {
  readonly name: string
  readonly tone: 'fresh' | 'stale' | 'up'
  /** Aligned with the newest samples of the history, in ms. */
  readonly values: (installation: Installation) => readonly (number | null)[]
}

interface Props {
  readonly label: string
  readonly installation: Installation
  readonly preferences: Preferences
  readonly series: readonly MsSeries[]
}

const HEIGHT = 132
/** The axis reaches at least this far, so that a quiet installation looks quiet. */
const TOP_MS_MIN = 2500
const SPAN_MIN_S = 60

/** Durations over the last minutes, a point with each answer of the balancer. */
export function MsPlot({ label, installation, preferences, series }: Props) {
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = host.current!
    let palette: Palette = readPalette(element)
    const plot = new uPlot(
      options(element.clientWidth, series, () => palette),
      points(installation, series),
      element,
    )
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    const stop = installation.onChange(() => plot.setData(points(installation, series)))
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const recolour = () => {
      palette = readPalette(element)
      plot.redraw(false, true)
    }
    dark.addEventListener('change', recolour)
    return () => {
      stop()
      dark.removeEventListener('change', recolour)
      observer.disconnect()
      plot.destroy()
    }
  }, [installation, preferences, label])
  return (
    <figure class="ms-plot">
      <figcaption>
        {series.map(({ name, tone }) => (
          <span key={name} class={tone}>
            {name}
          </span>
        ))}
      </figcaption>
      <div ref={host} role="img" aria-label={label} />
    </figure>
  )
}

function points(installation: Installation, series: readonly MsSeries[]): uPlot.AlignedData {
  const times = installation.history.samples.map(({ atMs }) => atMs / 1000)
  const aligned = series.map(({ values }) => {
    const known = values(installation)
    return times.map((_, index) => known[known.length - times.length + index] ?? null)
  })
  return [times, ...aligned]
}

function options(width: number, series: readonly MsSeries[], palette: () => Palette): uPlot.Options {
  const axis = { stroke: () => palette()['text-2'], font: '11px system-ui', ticks: { show: false } }
  return {
    width: Math.max(200, width),
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      x: { range: (_plot, min, max) => [Math.min(min, max - SPAN_MIN_S), max] },
      y: { range: (_plot, _min, max) => [0, Math.max(TOP_MS_MIN, (max ?? 0) * 1.1)] },
    },
    axes: [
      { ...axis, size: 24, space: 80, grid: { show: false }, values: (_plot, ticks) => ticks.map((tick) => clockTime(tick * 1000)) },
      {
        ...axis,
        size: 52,
        space: 30,
        grid: { stroke: () => palette().line, width: 1 },
        values: (_plot, ticks) => ticks.map((tick) => (tick === 0 ? '0' : duration(tick))),
      },
    ],
    series: [
      {},
      ...series.map(({ tone }) => ({
        width: 1.5,
        spanGaps: false,
        points: { show: false },
        stroke: () => palette()[tone],
        ...(tone === 'fresh' ? { fill: () => fade(palette()[tone], 0.1) } : {}),
      })),
    ],
  }
}
