import type { SymbolState, SymbolView, Update, Values } from '@pulsewire/client'
import { decimalsOf } from '../format.ts'

/** One sample a second, five minutes. */
export const SAMPLES = 300

/** For how long a price that moved lights up, in ms. */
export const FLASH_MS = 450

/** Fields that the board shows; nothing else is subscribed. */
export const FIELDS = [
  'name',
  'last',
  'bid',
  'ask',
  'bidSize',
  'askSize',
  'open',
  'high',
  'low',
  'prevClose',
  'volume',
  'turnover',
] as const

const PENDING: SymbolState = { state: 'pending' }

/** One symbol of the board: its newest image, its state, and where its price was in the last minutes. */
export class Row {
  readonly symbol: string
  /** The symbol without its market. */
  readonly code: string
  /** What follows the last point, or '' where there is none. */
  readonly market: string
  view: SymbolView | undefined
  values: Values = {}
  state: SymbolState = PENDING
  decimals = 2
  change: number | undefined
  changePercent: number | undefined
  /** Where the last price went at its last change. */
  moved: 'up' | 'down' = 'up'
  movedAtMs = 0
  /** Last prices by sample number modulo `SAMPLES`; NaN where it was not live. */
  readonly samples = new Float32Array(SAMPLES).fill(Number.NaN)
  readonly #listeners = new Set<() => void>()
  readonly #searchText: string
  #nameText = ''

  constructor(symbol: string) {
    this.symbol = symbol
    const point = symbol.lastIndexOf('.')
    this.code = point > 0 ? symbol.slice(0, point) : symbol
    this.market = point > 0 ? symbol.slice(point + 1) : ''
    this.#searchText = symbol.toLowerCase()
  }

  get name(): string {
    const name = this.values['name']
    return typeof name === 'string' ? name : ''
  }

  /** A numeric field; undefined where the image has none. */
  number(field: (typeof FIELDS)[number]): number | undefined {
    const value = this.values[field]
    return typeof value === 'number' ? value : undefined
  }

  /** @param query in lower case. */
  matches(query: string): boolean {
    return this.#searchText.includes(query) || this.#nameText.includes(query)
  }

  take(update: Update): void {
    const before = this.number('last')
    this.values = update.values
    this.#nameText = this.name.toLowerCase()
    const last = this.number('last')
    const previousClose = this.number('prevClose')
    if (last !== undefined) this.decimals = Math.max(this.decimals, decimalsOf(last))
    this.change = last === undefined || previousClose === undefined ? undefined : last - previousClose
    this.changePercent = this.change === undefined || !previousClose ? undefined : (this.change / previousClose) * 100
    if (last === undefined || before === undefined || last === before) return
    this.moved = last > before ? 'up' : 'down'
    this.movedAtMs = Date.now()
  }

  /** @returns the undo. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @returns whether it is to be told again in the next frame: it is in sight, and its light has to go out. */
  tellChanged(nowMs: number): boolean {
    for (const listener of this.#listeners) listener()
    return this.#listeners.size > 0 && nowMs - this.movedAtMs < FLASH_MS
  }
}
