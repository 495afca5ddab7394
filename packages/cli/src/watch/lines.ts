import type { Subscription, SymbolState, Update } from '@pulsewire/client'
import type { LineOutput } from './line-output.ts'
import { formatAge, formatDelay, formatTime, formatValue } from './format.ts'
import type { View } from './watch.ts'

/** How each thing that happens reads as one line. */
interface LineFormat {
  update(update: Update, latencyMs: number | undefined, delayMs: number | undefined): string
  state(symbol: string, state: SymbolState): string
}

const TEXT: LineFormat = {
  update: ({ symbol, values, deleted }, _latencyMs, delayMs) => {
    const fields = Object.entries(values).map(([name, value]) => `${name}=${formatValue(value)}`)
    const late = delayMs ? ` (${formatDelay(delayMs)})` : ''
    return `${formatTime(Date.now())} ${symbol} ${deleted ? 'deleted' : fields.join(' ')}${late}`
  },
  state: (symbol, state) => `${formatTime(Date.now())} ${symbol} ${describeState(state, Date.now())}`,
}

const JSON_LINES: LineFormat = {
  update: (update, latencyMs, delayMs) => {
    const { symbol, values, changed, n, snapshot, deleted, position, ts, gap, state } = update
    const raw = update.raw === null ? undefined : Buffer.from(update.raw).toString('base64')
    return JSON.stringify({
      type: 'update',
      at: Date.now(),
      symbol,
      state: state.state,
      delayMs,
      values,
      changed,
      n,
      snapshot,
      deleted,
      position,
      ts,
      latencyMs,
      gap,
      raw,
    })
  },
  state: (symbol, state) => JSON.stringify({ type: 'state', at: Date.now(), symbol, ...state }),
}

/** `live, delayed 15 min`; `stale for 3.2 s: push-a1: lagging: …` */
export function describeState(state: SymbolState, nowMs: number): string {
  if (state.state === 'live' || state.state === 'pending') return [state.state, formatDelay(state.delayMs)].filter(Boolean).join(', ')
  const since = state.sinceMs === undefined ? '' : ` for ${formatAge(nowMs - state.sinceMs)}`
  return `${state.state}${since}: ${[state.hop, state.reason, state.message].filter(Boolean).join(': ')}`
}

export function textLines(output: LineOutput, stderr: { write(text: string): unknown }): View {
  return new LineView(output, TEXT, (message) => void stderr.write(`${message}\n`))
}

export function jsonLines(output: LineOutput, stderr: { write(text: string): unknown }): View {
  return new LineView(output, JSON_LINES, (message) => void stderr.write(`${message}\n`))
}

/**
 * One line per update and per change of state. When the reader is slow, updates wait conflated in the subscription and
 * changes of state as the set of symbols that changed: memory does not grow.
 */
class LineView implements View {
  readonly #output: LineOutput
  readonly #format: LineFormat
  readonly #onConnection: (message: string) => void
  readonly #changed = new Set<string>()
  #subscription: Subscription | undefined
  #writing: Promise<void> | undefined

  constructor(output: LineOutput, format: LineFormat, onConnection: (message: string) => void) {
    this.#output = output
    this.#format = format
    this.#onConnection = onConnection
  }

  async run(subscription: Subscription): Promise<void> {
    this.#subscription = subscription
    for await (const update of subscription) {
      await this.#writing
      await this.#output.write(this.#format.update(update, subscription.get(update.symbol)?.latencyMs, subscription.delayMs))
    }
    await this.#writing
  }

  onState(symbols: readonly string[]): void {
    for (const symbol of symbols) this.#changed.add(symbol)
    // Not at once: the first call comes before `subscribe` has returned.
    this.#writing ??= Promise.resolve().then(() => this.#writeStates())
  }

  onConnection(message: string): void {
    this.#onConnection(message)
  }

  close(): void {}

  async #writeStates(): Promise<void> {
    for (const symbol of this.#changed) {
      this.#changed.delete(symbol)
      const view = this.#subscription?.get(symbol)
      if (view !== undefined) await this.#output.write(this.#format.state(symbol, view.state))
    }
    this.#writing = undefined
  }
}
