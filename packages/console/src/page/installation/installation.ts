import type { EventAnswer, EventsAnswer, TopologyAnswer } from './answers.ts'
import { Timeline } from './events.ts'
import { History } from './history.ts'

const POLL_INTERVAL_MS = 1000
const ANSWER_TIMEOUT_MS = 4000

export type Get = (path: string) => Promise<unknown>

/** What the page knows of the installation: asks its server once a second, and tells listeners what came. */
export class Installation {
  readonly history = new History()
  readonly #get: Get
  readonly #listeners = new Set<() => void>()
  readonly #timer: number
  #topology: TopologyAnswer | null = null
  readonly #timeline = new Timeline()
  #failedSinceMs: number | null = null
  #isAsking = false

  constructor(get: Get = getJson) {
    this.#get = get
    this.#timer = window.setInterval(() => {
      if (!document.hidden) void this.ask()
    }, POLL_INTERVAL_MS)
    void this.ask()
  }

  get topology(): TopologyAnswer | null {
    return this.#topology
  }

  /** Newest first. */
  get events(): readonly EventAnswer[] {
    return this.#timeline.events
  }

  /** Since when the balancer has not answered; `null`: it does. */
  get failedSinceMs(): number | null {
    return this.#failedSinceMs
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Asks now; one question at a time. */
  async ask(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      const topology = (await this.#get('/v1/topology')) as TopologyAnswer
      this.#timeline.take((await this.#get(`/v1/events?since=${this.#timeline.since}`)) as EventsAnswer)
      this.#topology = topology
      this.history.add(topology)
      this.#failedSinceMs = null
    } catch {
      this.#failedSinceMs ??= Date.now()
    } finally {
      this.#isAsking = false
    }
    for (const listener of this.#listeners) listener()
  }

  close(): void {
    window.clearInterval(this.#timer)
  }
}

async function getJson(path: string): Promise<unknown> {
  const response = await fetch(path, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}
