import type { ServerResponse } from 'node:http'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { EventsAnswer, Topology } from '../topology/index.ts'
import { ApiError } from './errors.ts'

/** Streams at once, and of one address. */
export const STREAMS_MAX = 64
export const STREAMS_PER_ADDRESS_MAX = 32
/** So often it is looked for events that are to be told: as often as they are noticed. */
const LOOK_INTERVAL_MS = 250
const TOPOLOGY_INTERVAL_MS = 1000
/** Through everything in between that takes a silent connection for a dead one. */
export const HEARTBEAT_MS = 10_000
/** What a reader has not taken, beside the one topology that may be on its way: 6.4 MiB of 2,000 nodes with 40 links per gateway. */
export const BUFFER_BYTES_MAX = 4 * 1024 * 1024
/** A reader that takes nothing for so long is cut, however little waits for it. */
export const BLOCKED_MS_MAX = 15_000
/** A browser that lost its stream comes back after this. */
const RETRY_MS = 2000

/** After which event a reader goes on; `startedAtMs` says which balancer's counting that is. */
export interface Resume {
  readonly startedAtMs: number
  readonly last: number
}

interface Told {
  events(since: number): EventsAnswer
  topology(): Topology
}

interface Stream {
  readonly response: ServerResponse
  readonly address: string
  readonly wantsTopology: boolean
  last: number
  topologyAtMs: number
  /** Of the newest that was written. */
  topologyBytes: number
  writtenAtMs: number
  /** Since when it has taken nothing of what waits for it; `null`: nothing waits. */
  blockedSinceMs: number | null
  waitingBytes: number
}

export interface StreamsOptions {
  readonly api: Told
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * What has happened, told as it happens, to a bounded number of readers. A topology that a reader has no room for is left
 * out, because the next one has it all; events are not, so a reader that takes neither is cut, and goes on where it was.
 */
export class EventStreams {
  readonly #api: Told
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #streams = new Set<Stream>()
  #timer: Timer | null = null

  constructor({ api, clock, logger }: StreamsOptions) {
    this.#api = api
    this.#clock = clock
    this.#logger = logger
  }

  get size(): number {
    return this.#streams.size
  }

  /** @throws ApiError `too_many_streams` */
  admit(address: string): void {
    if (this.#streams.size >= STREAMS_MAX) throw new ApiError('too_many_streams', `${STREAMS_MAX} streams are open, which is all there are`)
    const own = [...this.#streams].filter((stream) => stream.address === address).length
    if (own >= STREAMS_PER_ADDRESS_MAX)
      throw new ApiError('too_many_streams', `${address} has ${own} streams open, which is all that one address may have`)
  }

  /** The response is this one's from here on. */
  open(response: ServerResponse, address: string, resume: Resume | null, wantsTopology: boolean): void {
    const nowMs = this.#clock.nowMs()
    const stream: Stream = {
      ...{ response, address, wantsTopology, last: 0 },
      ...{ topologyAtMs: -Infinity, topologyBytes: 0, writtenAtMs: nowMs, blockedSinceMs: null, waitingBytes: 0 },
    }
    this.#streams.add(stream)
    response.on('close', () => this.#gone(stream))
    response.write(`retry: ${RETRY_MS}\n\n`)
    this.#tellEvents(stream, this.#eventsAfter(resume), nowMs)
    if (wantsTopology) this.#tellTopology(stream, textOf('topology', this.#api.topology()), nowMs)
    this.#timer ??= this.#clock.every(LOOK_INTERVAL_MS, () => this.#tick())
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (const { response } of this.#streams) {
      // Who takes nothing would keep the server from closing.
      if (response.writableLength > 0) response.destroy()
      else response.end()
    }
    this.#streams.clear()
  }

  #eventsAfter(resume: Resume | null): EventsAnswer {
    const answer = this.#api.events(resume?.last ?? 0)
    // A number of another balancer, or of this one before its restart, means nothing here.
    return resume === null || resume.startedAtMs === answer.startedAtMs ? answer : this.#api.events(0)
  }

  #gone(stream: Stream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    this.#timer?.cancel()
    this.#timer = null
  }

  #tick(): void {
    const nowMs = this.#clock.nowMs()
    /** Made once for all, and only when somebody wants it. */
    let topology: string | null = null
    for (const stream of [...this.#streams]) {
      // What is written now counts as waiting until the end of this turn, so it is looked before.
      const waiting = stream.response.writableLength
      if (this.#isCut(stream, waiting, nowMs)) continue
      if (stream.wantsTopology && waiting === 0 && nowMs - stream.topologyAtMs >= TOPOLOGY_INTERVAL_MS - LOOK_INTERVAL_MS / 2) {
        topology ??= textOf('topology', this.#api.topology())
        this.#tellTopology(stream, topology, nowMs)
      }
      const events = this.#api.events(stream.last)
      if (events.events.length > 0) this.#tellEvents(stream, events, nowMs)
      if (nowMs - stream.writtenAtMs >= HEARTBEAT_MS) this.#write(stream, ': alive\n\n', nowMs)
    }
  }

  #tellEvents(stream: Stream, answer: EventsAnswer, nowMs: number): void {
    stream.last = answer.last
    this.#write(stream, `id: ${answer.startedAtMs}:${answer.last}\n${textOf('events', answer)}`, nowMs)
  }

  #tellTopology(stream: Stream, text: string, nowMs: number): void {
    stream.topologyAtMs = nowMs
    stream.topologyBytes = Buffer.byteLength(text)
    this.#write(stream, text, nowMs)
  }

  #write(stream: Stream, text: string, nowMs: number): void {
    stream.writtenAtMs = nowMs
    stream.response.write(text)
  }

  #isCut(stream: Stream, waiting: number, nowMs: number): boolean {
    if (waiting === 0) stream.blockedSinceMs = null
    else if (waiting < stream.waitingBytes) stream.blockedSinceMs = nowMs
    else stream.blockedSinceMs ??= nowMs
    stream.waitingBytes = waiting
    const blockedMs = stream.blockedSinceMs === null ? 0 : nowMs - stream.blockedSinceMs
    if (waiting <= BUFFER_BYTES_MAX + stream.topologyBytes && blockedMs < BLOCKED_MS_MAX) return false
    this.#logger.warn(
      'stream_cut',
      `a stream to ${stream.address} is cut: ${waiting} bytes wait, nothing was taken for ${Math.round(blockedMs)} ms`,
      { from: stream.address },
    )
    stream.response.destroy()
    return true
  }
}

function textOf(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
