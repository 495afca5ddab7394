import { useRef } from 'preact/hooks'
import { SAMPLES, type Row } from '../board/row.ts'

const WIDTH = 76
const HEIGHT = 22
/** Points drawn; each stands for `STRIDE` samples. */
const POINTS = 60
const STRIDE = 3

/** The price of the last three minutes, with holes where it was not live. Drawn anew with each sample, not with each update. */
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
  const values: number[] = []
  for (let back = POINTS - 1; back >= 0; back--) {
    const sample = sampleCount - 1 - back * STRIDE
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
    const x = (index / (POINTS - 1)) * WIDTH
    const y = high === low ? HEIGHT / 2 : HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 4)
    path += `${isDown ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
    isDown = true
  }
  return path
}
