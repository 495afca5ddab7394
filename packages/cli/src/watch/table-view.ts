import type { Subscription } from '@pulsewire/client'
import { createLogUpdate } from 'log-update'
import { formatDelay } from './format.ts'
import { renderTable } from './table.ts'
import type { View } from './watch.ts'

export interface Terminal extends NodeJS.WritableStream {
  readonly columns?: number
  readonly rows?: number
}

/** Ten times a second is as fast as anybody reads; ages grow even while nothing comes. */
const REDRAW_INTERVAL_MS = 100
const DEFAULT_COLUMNS = 80
const DEFAULT_ROWS = 24

/** A table on a terminal, redrawn in place. It reads the subscription when it draws, so it costs the same at any rate. */
export class TableView implements View {
  readonly #terminal: Terminal
  readonly #fields: readonly string[] | undefined
  readonly #draw: ReturnType<typeof createLogUpdate>
  #subscription: Subscription | undefined
  #timer: NodeJS.Timeout | undefined
  #connection = 'connecting'

  constructor(terminal: Terminal, options: { readonly fields?: readonly string[] }) {
    this.#terminal = terminal
    this.#fields = options.fields
    this.#draw = createLogUpdate(terminal)
  }

  async run(subscription: Subscription): Promise<void> {
    this.#subscription = subscription
    this.#timer = setInterval(() => this.#redraw(), REDRAW_INTERVAL_MS)
    this.#redraw()
    // The values are read when they are drawn; this only waits for the end. Updates are conflated meanwhile.
    for await (const _ of subscription);
  }

  onState(): void {}

  onConnection(message: string): void {
    this.#connection = message
  }

  close(): void {
    clearInterval(this.#timer)
    this.#draw.done()
  }

  #redraw(): void {
    const subscription = this.#subscription
    if (subscription === undefined) return
    const rows = [...subscription.symbols].map(({ symbol, state, values, ageMs, latencyMs }) => ({
      symbol,
      state,
      values,
      ageMs,
      latencyMs,
    }))
    const table = renderTable(rows, {
      columns: this.#terminal.columns ?? DEFAULT_COLUMNS,
      // The line below the table, and the one of the cursor.
      rows: (this.#terminal.rows ?? DEFAULT_ROWS) - 2,
      nowMs: Date.now(),
      colour: (process.env['NO_COLOR'] ?? '') === '',
      ...(this.#fields === undefined ? {} : { fields: this.#fields }),
    })
    const below = [formatDelay(subscription.delayMs), this.#connection, 'Ctrl-C ends'].filter(Boolean).join(' — ')
    this.#draw(`${table}\n${below}`)
  }
}
