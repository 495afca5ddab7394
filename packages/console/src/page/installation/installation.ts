import type { EventAnswer, EventsAnswer, TopologyAnswer } from './answers.ts'
import { Timeline } from './events.ts'
import { History } from './history.ts'
import { Stream, type StreamState } from './stream.ts'

const LOOK_INTERVAL_MS = 1000
const ANSWER_TIMEOUT_MS = 4000

export type Get = (path: string) => Promise<unknown>

/** What the page knows of the installation: what its stream tells, and where there is none, what it asks its server once a second. */
export class Installation {
  readonly history = new History()
  readonly #get: Get
  readonly #listeners = new Set<() => void>()
  readonly #timer: number
  readonly #stream: Stream
  #topology: TopologyAnswer | null = null
  readonly #timeline = new Timeline()
  #failedSinceMs: number | null = null
  #isAsking = false
  readonly #onVisible = () => this.#look()

  constructor(get: Get = getJson) {
    this.#get = get
    this.#stream = new Stream({
      events: (answer) => this.#timeline.takePushed(answer),
      topology: (answer) => this.#take(answer),
    })
    this.#timer = window.setInterval(() => this.#look(), LOOK_INTERVAL_MS)
    document.addEventListener('visibilitychange', this.#onVisible)
    this.#look()
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

  /** Whether it is told as it happens; `lost`: it has to ask, and knows a second later. */
  get stream(): StreamState {
    return this.#stream.state
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
      // What the stream has told meanwhile is newer.
      if (this.stream !== 'open') this.#take(topology)
    } catch {
      this.#failedSinceMs ??= Date.now()
      this.#tell()
    } finally {
      this.#isAsking = false
    }
  }

  close(): void {
    window.clearInterval(this.#timer)
    document.removeEventListener('visibilitychange', this.#onVisible)
    this.#stream.close()
  }

  #look(): void {
    this.#stream.look(!document.hidden)
    if (!document.hidden && this.stream === 'lost') void this.ask()
  }

  #take(topology: TopologyAnswer): void {
    this.#topology = topology
    this.history.add(topology)
    this.#failedSinceMs = null
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

async function getJson(path: string): Promise<unknown> {
  const response = await fetch(path, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}
