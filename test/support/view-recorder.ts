import { PulsewireClient, type ClientOptions, type SubscribeOptions, type Subscription, type Update } from '@pulsewire/client'

/** A client that keeps what it saw, for tests that compare it with the log. */
export class ViewRecorder implements AsyncDisposable {
  readonly client: PulsewireClient
  readonly subscription: Subscription
  readonly updates: Update[] = []
  /** Every state that the subscription took, in order. */
  readonly states: string[] = []
  readonly gaps: string[] = []
  readonly #waiting = new Set<() => void>()

  constructor(client: ClientOptions, subscribe: SubscribeOptions) {
    this.client = new PulsewireClient(client)
    this.subscription = this.client.subscribe(subscribe, {
      onUpdate: (update) => {
        this.updates.push(update)
        this.#wake()
      },
      onState: (state) => {
        this.states.push(state.reason === undefined ? state.state : `${state.state}: ${state.reason} at ${state.hop}`)
        this.#wake()
      },
      onGap: (gap) => this.gaps.push(`${gap.symbol} ${gap.from}–${gap.to}`),
    })
  }

  /** Waits until what was seen satisfies the condition. @throws Error at the deadline, saying what was seen last. */
  async until(condition: () => boolean, what: string, deadlineMs = 20_000): Promise<void> {
    const signal = AbortSignal.timeout(deadlineMs)
    while (!condition()) {
      if (signal.aborted)
        throw new Error(`${what}: not within ${deadlineMs} ms; states ${this.states.join(' → ')}; ${this.updates.length} updates`)
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          clearTimeout(recheck)
          resolve()
        }
        // Some conditions change with time alone, such as an age.
        const recheck = setTimeout(wake, 100)
        this.#waiting.add(wake)
      })
    }
  }

  /** Values that the client holds, by symbol. */
  images(): Record<string, unknown> {
    return Object.fromEntries([...this.subscription.symbols].map((view) => [view.symbol, view.values]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close()
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }
}
