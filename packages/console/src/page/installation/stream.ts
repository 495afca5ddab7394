import type { EventsAnswer, TopologyAnswer } from './answers.ts'

/** The balancer tells the topology once a second. */
const SILENT_MS_MAX = 3500
/** A stream that was refused, because there are too many or none at all, is tried again after this. */
const AGAIN_AFTER_MS = 15_000

/** What comes of it. */
export interface Heard {
  events(answer: EventsAnswer): void
  topology(answer: TopologyAnswer): void
}

/** `opening`: nobody knows yet; `lost`: there is none, or it says nothing, so whoever wants to know has to ask. */
export type StreamState = 'opening' | 'open' | 'lost'

export type OpenStream = (url: string) => EventSource

/** What the balancer tells as it happens. A hidden page has none: nobody looks, and it would take another's place. */
export class Stream {
  readonly #heard: Heard
  readonly #open: OpenStream
  readonly #nowMs: () => number
  #source: EventSource | null = null
  /** Of the last message with events, to go on after it. */
  #lastId = ''
  #state: StreamState = 'opening'
  #heardAtMs: number
  #openNotBeforeMs = -Infinity

  constructor(heard: Heard, open: OpenStream = (url) => new EventSource(url), nowMs: () => number = () => performance.now()) {
    this.#heard = heard
    this.#open = open
    this.#nowMs = nowMs
    this.#heardAtMs = nowMs()
  }

  get state(): StreamState {
    return this.#state
  }

  /** Call it about once a second. @param isWanted whether somebody looks. */
  look(isWanted: boolean): void {
    const nowMs = this.#nowMs()
    if (!isWanted) return this.close()
    if (this.#source === null && nowMs >= this.#openNotBeforeMs) this.#begin(nowMs)
    else if (nowMs - this.#heardAtMs > SILENT_MS_MAX) this.#state = 'lost'
  }

  close(): void {
    this.#source?.close()
    this.#source = null
    this.#openNotBeforeMs = -Infinity
    this.#state = 'opening'
  }

  #begin(nowMs: number): void {
    const since = this.#lastId === '' ? '' : `&since=${encodeURIComponent(this.#lastId)}`
    const source = (this.#source = this.#open(`/v1/stream?topology=true${since}`))
    this.#heardAtMs = nowMs
    source.addEventListener('events', (event) => {
      this.#lastId = event.lastEventId
      this.#isHeard()
      this.#heard.events(JSON.parse(event.data) as EventsAnswer)
    })
    source.addEventListener('topology', (event) => {
      this.#isHeard()
      this.#heard.topology(JSON.parse(event.data) as TopologyAnswer)
    })
    source.addEventListener('error', () => {
      this.#state = 'lost'
      // One that only lost its connection comes back by itself; one that was refused does not.
      if (source.readyState !== CLOSED || source !== this.#source) return
      this.#source = null
      this.#openNotBeforeMs = this.#nowMs() + AGAIN_AFTER_MS
    })
  }

  #isHeard(): void {
    this.#heardAtMs = this.#nowMs()
    this.#state = 'open'
  }
}

/** As `EventSource.CLOSED`, which tests have not. */
const CLOSED = 2
