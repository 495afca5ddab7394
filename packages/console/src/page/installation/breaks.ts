import type { BreaksAnswer } from '../../breaks-answer.ts'

const POLL_INTERVAL_MS = 1000

/** What the demonstration offers to break, and what it tells of it. */
export class Breaks {
  readonly #listeners = new Set<() => void>()
  readonly #timer: number
  #answer: BreaksAnswer = { breaks: [], story: [] }
  /** Why the last order was not carried out. */
  #problem = ''

  constructor() {
    this.#timer = window.setInterval(() => {
      if (!document.hidden) void this.#ask()
    }, POLL_INTERVAL_MS)
    void this.#ask()
  }

  get answer(): BreaksAnswer {
    return this.#answer
  }

  get problem(): string {
    return this.#problem
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async order(id: string, on: boolean, target: string): Promise<void> {
    try {
      const body = JSON.stringify({ on, target })
      const response = await fetch(`/api/break/${id}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      this.#problem = response.ok ? '' : ((await response.json()) as { readonly message: string }).message
    } catch {
      this.#problem = 'the demo does not answer'
    }
    await this.#ask()
  }

  close(): void {
    window.clearInterval(this.#timer)
  }

  async #ask(): Promise<void> {
    try {
      const response = await fetch('/api/break')
      if (response.ok) this.#answer = (await response.json()) as BreaksAnswer
    } catch {
      // The demo was ended; the rest of the page says so.
    }
    for (const listener of this.#listeners) listener()
  }
}
