import { useRef } from 'preact/hooks'
import { SAMPLES, type Row } from '../board/row.ts'

const WIDTH = 76
const HEIGHT = 22
/** Samples drawn: as many as there are, between these. */
const WINDOW = { min: 30, max: 180 } as const
/** A longer window is thinned out to about this many points. */
const POINTS = 60

/** The price of the last minutes, with holes where it was not live. Drawn anew with each sample, not with each update. */
export function Sparkline({ row, sampleCount }: { row: Row; sampleCount: number }) {
  const drawn = useRef({ row, sampleCount: -1, path: '' })
  if (drawn.current.row !== row || drawn.current.sampleCount !== sampleCount) {
    drawn.current = { row, sampleCount, path: pathOf(row, sampleCount) }
  }
  const tone = (row.change ?? 0) < 0 ? 'down' : 'up'
  return (
    <svg class={`sparkline ${tone}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <path d={drawn.current.path} />
    </svg>
  )
}

function pathOf({ samples }: Row, sampleCount: number): string {
  const span = Math.min(WINDOW.max, Math.max(WINDOW.min, sampleCount))
  const stride = Math.ceil(span / POINTS)
  const values: number[] = []
  for (let back = span - 1; back >= 0; back -= stride) {
    const sample = sampleCount - 1 - back
    values.push(sample < 0 ? Number.NaN : samples[sample % SAMPLES]!)
  }
  const known = values.filter((value) => !Number.isNaN(value))
  const low = Math.min(...known)
  const high = Math.max(...known)
  let path = ''
  let isDown = false
  for (const [index, value] of values.entries()) {
    if (Number.isNaN(value)) {
      isDown = false
      continue
    }
    const x = (index / (values.length - 1)) * WIDTH
    const y = high === low ? HEIGHT / 2 : HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 4)
    path += `${isDown ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
    isDown = true
  }
  return path
}
