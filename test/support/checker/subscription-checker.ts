import type { StateChange, Subscription, SubscriptionHandlers, SymbolState, Update } from '@pulsewire/client'
import { parsePosition, type FieldValue } from '@pulsewire/protocol'
import { describeImage, describeRecord, matches, showsSame, type HeldImage } from './image.ts'
import type { LogModel, ModelSymbol } from './log-model.ts'
import type { Report } from './report.ts'

export interface SubscriptionFacts {
  readonly name: string
  readonly feed: string
  readonly fields: readonly string[] | undefined
  readonly every: boolean
  /** 0 without `maxRate`. */
  readonly periodMs: number
  readonly image: boolean
  /** Has patterns: symbols come by themselves. */
  readonly open: boolean
}

/** What the application was shown of a symbol. */
interface Shown {
  index: number
  image: HeldImage
}

/** An application by the book: takes what one subscription of the SDK shows, and holds it to the log. */
export class SubscriptionChecker {
  readonly facts: SubscriptionFacts
  readonly #fields: ReadonlySet<string> | null
  readonly #model: LogModel
  readonly #report: Report
  readonly #onStale: (symbol: string, state: SymbolState) => void
  readonly #shown = new Map<string, Shown>()
  /** The last state that the application was told, by symbol. */
  readonly told = new Map<string, SymbolState>()
  /** World time since which a symbol has been told live. */
  readonly #liveSinceMs = new Map<string, number>()
  readonly #nowMs: () => number
  readonly counts = { updates: 0, gaps: 0, stale: 0, missed: 0 }
  subscription: Subscription | null = null
  /** World time at which the application last asked for something. */
  changedAtMs = 0

  /** @param onStale called whenever a symbol is told stale. */
  constructor(
    facts: SubscriptionFacts,
    model: LogModel,
    report: Report,
    nowMs: () => number,
    onStale: (symbol: string, state: SymbolState) => void,
  ) {
    this.facts = facts
    this.#fields = facts.fields === undefined ? null : new Set(facts.fields)
    this.#model = model
    this.#report = report
    this.#nowMs = nowMs
    this.#onStale = onStale
  }

  get handlers(): SubscriptionHandlers {
    return {
      onUpdate: (update) => this.#update(update),
      onState: (_state, change) => this.#state(change),
      onGap: () => this.counts.gaps++,
    }
  }

  symbol(name: string): ModelSymbol | undefined {
    return this.#model.symbol(this.facts.feed, name)
  }

  /** The application removed the symbol: it may come back from any position. */
  forget(symbol: string): void {
    this.#shown.delete(symbol)
    this.told.delete(symbol)
  }

  #update(update: Update): void {
    this.counts.updates++
    const symbol = this.symbol(update.symbol)
    const index = symbol?.indexOf(parsePosition(update.position)!.offset) ?? -1
    const where = () => `${this.facts.name}: ${update.symbol} at ${update.position}`
    if (symbol === undefined || index < 0) return this.#report('view', `${where()}: the log has no such record`)
    const image = imageOf(update)
    if (!matches(image, symbol.records[index]!, this.#fields)) {
      this.#report('view', `${where()}: shows ${describeImage(image)}, the log says ${describeRecord(symbol.records[index])}`)
    }
    const shown = this.#shown.get(update.symbol)
    if (shown !== undefined) this.#checkOrder(shown, index, update, symbol, where)
    this.#shown.set(update.symbol, { index, image })
  }

  #checkOrder(shown: Shown, index: number, update: Update, symbol: ModelSymbol, where: () => string): void {
    const isHeldAgain = index === shown.index && update.n === 0 && update.snapshot
    if (isHeldAgain) return
    if (index <= shown.index) return this.#report('view', `${where()} comes after ${describeRecord(symbol.records[shown.index])}`)
    if (!this.facts.every) return
    let expected = shown.index + 1
    while (expected < index && symbol.records[expected]!.optional) expected++
    const missing = index - expected
    if (missing > 0) {
      this.counts.missed += missing
      if (update.gap === undefined)
        this.#report(
          'P1 every',
          `${where()}: ${missing} records after ${describeRecord(symbol.records[shown.index])} are missing and no gap was told`,
        )
    } else if (update.gap !== undefined && !update.snapshot) this.#report('gap', `${where()}: a gap was told where nothing is missing`)
  }

  #state(change: StateChange): void {
    for (const symbol of change.symbols) {
      const state = this.subscription?.get(symbol)?.state
      if (state === undefined) this.told.delete(symbol)
      else {
        if (state.state === 'live' && this.told.get(symbol)?.state !== 'live') this.#liveSinceMs.set(symbol, this.#nowMs())
        this.told.set(symbol, state)
        if (state.state !== 'stale') continue
        this.counts.stale++
        this.#onStale(symbol, state)
      }
    }
  }

  /**
   * Whether what is shown may be called live: it is the newest record there was `boundMs` ago, or a newer one. After an
   * outage, a symbol with `maxRate` has one period to catch up.
   * @returns what is wrong, else `undefined`.
   */
  untruth(name: string, nowMs: number, boundMs: number): string | undefined {
    const symbol = this.symbol(name)
    if (symbol === undefined) return undefined
    // A gateway that nobody answered in time says what it knows, if that is nothing; its pulses then cease.
    const isNew = nowMs - (this.#liveSinceMs.get(name) ?? nowMs) < boundMs
    if (isNew && (this.facts.periodMs > 0 || !this.#shown.has(name))) return undefined
    const due = symbol.newestAt(nowMs - boundMs)
    const record = symbol.records[due]
    const shown = this.#shown.get(name)
    if (record === undefined || (shown !== undefined && shown.index >= due)) return undefined
    if (shown === undefined && (!this.facts.image || symbol.records.slice(due).some(({ deleted }) => deleted))) return undefined
    if (shown !== undefined && showsSame(shown.image, symbol, due, this.#fields)) return undefined
    return `shows ${shown === undefined ? 'nothing' : describeImage(shown.image)} as live; for more than ${Math.round(boundMs)} ms the log says ${describeRecord(record)}`
  }

  /** At rest: whether the view is what the log says now. */
  difference(name: string): string | undefined {
    const symbol = this.symbol(name)
    const record = symbol?.records.at(-1)
    const view = this.subscription?.get(name)
    if (record === undefined || view === undefined) return undefined
    const { values, raw } = view
    const shown = this.#shown.get(name)
    const none = shown === undefined
    if (none) return record.deleted || !this.facts.image ? undefined : `shows nothing; the log says ${describeRecord(record)}`
    const image: HeldImage = { deleted: shown.image.deleted, raw: raw ?? null, values: new Map(Object.entries(values ?? {})) }
    return matches(image, record, this.#fields) ? undefined : `shows ${describeImage(image)}; the log says ${describeRecord(record)}`
  }
}

function imageOf(update: Update): HeldImage {
  return { deleted: update.deleted, raw: update.raw, values: new Map<string, FieldValue>(Object.entries(update.values)) }
}
