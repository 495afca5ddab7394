import { useEffect, useRef } from 'preact/hooks'
import type { Board } from '../board/board.ts'
import { duration } from '../format.ts'
import { fade, readPalette, type Palette } from '../palette.ts'
import type { Preferences } from '../preferences.ts'

const SAMPLE_MS = 100
const SAMPLES = 300
/** Drawn with every n-th sample only. */
const DRAW_EVERY = 2
const PALETTE_MS = 1_000

interface Props {
  readonly board: Board
  readonly preferences: Preferences
  readonly staleAfterMs: number
}

/**
 * The age of the data over the last half minute. It climbs with time itself and falls with each pulse, so a stall
 * anywhere shows as a line that climbs through the bound.
 */
export function AgeTrace({ board, staleAfterMs }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const label = useRef<HTMLElement>(null)
  useEffect(() => {
    const element = canvas.current!
    const trace = new Trace(element, staleAfterMs)
    let samples = 0
    const timer = window.setInterval(() => {
      const ageMs = board.dataAgeMs()
      trace.add(ageMs)
      if (document.hidden || ++samples % DRAW_EVERY !== 0) return
      trace.draw()
      const text = ageMs === undefined ? 'not known yet' : duration(ageMs)
      if (label.current !== null) {
        label.current.textContent = text
        label.current.className = ageMs !== undefined && ageMs > staleAfterMs ? 'stale' : 'fresh'
      }
    }, SAMPLE_MS)
    return () => window.clearInterval(timer)
  }, [board, staleAfterMs])
  return (
    <figure class="age-trace">
      <figcaption>
        Data age <b ref={label}>not known yet</b>
      </figcaption>
      <canvas ref={canvas} role="img" aria-label={`Age of the data over the last 30 seconds; stale above ${duration(staleAfterMs)}`} />
    </figure>
  )
}

class Trace {
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  readonly #staleAfterMs: number
  readonly #ages: (number | undefined)[] = []
  #palette: Palette
  #paletteAtMs = 0

  constructor(canvas: HTMLCanvasElement, staleAfterMs: number) {
    this.#canvas = canvas
    this.#context = canvas.getContext('2d')!
    this.#staleAfterMs = staleAfterMs
    this.#palette = readPalette(canvas.parentElement!)
  }

  add(ageMs: number | undefined): void {
    this.#ages.push(ageMs)
    if (this.#ages.length > SAMPLES) this.#ages.shift()
  }

  draw(): void {
    const context = this.#context
    const { width, height } = this.#fit()
    const highestMs = Math.max(this.#staleAfterMs * 1.3, ...this.#ages.map((age) => (age ?? 0) * 1.08))
    const y = (ageMs: number) => height - 1 - (ageMs / highestMs) * (height - 3)
    const boundY = y(this.#staleAfterMs)
    context.clearRect(0, 0, width, height)
    context.strokeStyle = fade(this.#palette.stale, 0.6)
    context.lineWidth = 1
    context.setLineDash([3, 3])
    context.beginPath()
    context.moveTo(0, boundY)
    context.lineTo(width, boundY)
    context.stroke()
    context.setLineDash([])
    this.#drawLine(y, boundY, height, this.#palette.fresh)
    this.#drawLine(y, 0, boundY, this.#palette.stale)
  }

  /** The part of the line between two heights, in one colour. */
  #drawLine(y: (ageMs: number) => number, fromY: number, toY: number, colour: string): void {
    const context = this.#context
    const { clientWidth: width, clientHeight: height } = this.#canvas
    const x = (index: number) => width - ((this.#ages.length - 1 - index) / (SAMPLES - 1)) * width
    context.save()
    context.beginPath()
    context.rect(0, fromY, width, toY - fromY)
    context.clip()
    context.beginPath()
    let from: number | undefined
    for (const [index, ageMs] of this.#ages.entries()) {
      if (ageMs === undefined) continue
      if (from === undefined) context.moveTo((from = x(index)), y(ageMs))
      else context.lineTo(x(index), y(ageMs))
    }
    context.strokeStyle = colour
    context.lineWidth = 1.5
    context.lineJoin = 'round'
    context.stroke()
    context.lineTo(width, height)
    context.lineTo(from ?? width, height)
    context.fillStyle = fade(colour, 0.14)
    context.fill()
    context.restore()
  }

  /** Matches the canvas's pixels to its size, and its colours to the theme. */
  #fit(): { width: number; height: number } {
    const { clientWidth: width, clientHeight: height } = this.#canvas
    const ratio = devicePixelRatio
    const [pixelWidth, pixelHeight] = [Math.round(width * ratio), Math.round(height * ratio)]
    if (this.#canvas.width !== pixelWidth || this.#canvas.height !== pixelHeight) {
      this.#canvas.width = pixelWidth
      this.#canvas.height = pixelHeight
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0)
    if (performance.now() - this.#paletteAtMs > PALETTE_MS) {
      this.#palette = readPalette(this.#canvas.parentElement!)
      this.#paletteAtMs = performance.now()
    }
    return { width, height }
  }
}
