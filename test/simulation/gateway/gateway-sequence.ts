import type { Encoding, FeedMode, SubscribeFrame } from '@pulsewire/protocol'
import type { FeedConfig, LogAppend } from '@pulsewire/server'
import { encodePulse } from '../../../packages/server/src/feeds/index.ts'
import type { ConnectLink } from '../../../packages/server/src/gateway/index.ts'
import { feedSection } from '../../../packages/server/src/runtime/config/sections/feeds.ts'
import type { HopOptions } from '../../support/checker/hop-monitor.ts'
import { LogModel } from '../../support/checker/log-model.ts'
import { Violation } from '../../support/checker/report.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { MemoryTransport } from '../../support/receiver.ts'
import { FEED, someFields, SYMBOLS } from '../sequences/asks.ts'
import { drainMicrotasks } from '../world/microtasks.ts'
import { Random } from '../world/random.ts'
import { GapWatch } from './gap-watch.ts'
import { Served } from './served.ts'
import { WatchedLink } from './watched-link.ts'

/** Push nodes, and which partitions each carries. */
interface Shape {
  readonly nodes: Readonly<Record<string, 'A' | 'B'>>
  readonly partitions: number
  readonly carried?: Readonly<Record<string, readonly number[]>>
}

export const SHAPES = {
  'two nodes': { nodes: { a1: 'A', b1: 'B' }, partitions: 1 },
  'two nodes, two partitions': { nodes: { a1: 'A', b1: 'B' }, partitions: 2 },
  'three nodes': { nodes: { a1: 'A', b1: 'B', b2: 'B' }, partitions: 1 },
  'three nodes, two of which share the partitions': {
    nodes: { a1: 'A', b1: 'B', b2: 'B' },
    partitions: 2,
    carried: { b1: [0], b2: [1] },
  },
} as const satisfies Record<string, Shape>

export interface Setting {
  readonly shape: keyof typeof SHAPES
  readonly mode: FeedMode
  readonly merge: boolean
  /** Of the first receiver; the second speaks the other one. */
  readonly encoding: Encoding
  /** Records of a symbol that a push node keeps in its first life. */
  readonly historyRecordsMax: number
  readonly pulseIntervalMs: number
  readonly seed: number
}

/** Longer than any sequence: a gap that the gateway tells is one that it took, not one of its own history. */
const GATEWAY_HISTORY = { recordsPerSymbolMax: 1_000_000, bytesMax: 1024 ** 3 }
const PULSE_EVERY_MS = 500
const NOTE_BYTES_MAX = 30
/** Everything was made good so long ago that receivers hold everything, and young pulses. */
const REST_MS = 20_000
/** A pulse takes the receiver's interval and a few flushes. */
const PULSE_DUE_MS = 2_000
/** What a gateway answers at its deadline comes within this. */
const ANSWERED_LATE_MS = 5_000

interface Session {
  readonly served: Served
  readonly close: () => void
}

/** One gateway, its links to push nodes that read one log, and two receivers by the book. */
export class GatewaySequence {
  failure: Violation | null = null
  readonly nodes: readonly string[]
  readonly #random: Random
  readonly #feed: FeedConfig
  readonly #partitions: number
  readonly #model: LogModel
  readonly #world: GatewayWorld
  readonly #gaps: GapWatch
  readonly #links = new Set<WatchedLink>()
  readonly #sessions: Session[]
  readonly #setting: Setting
  readonly #trace: (line: string) => void
  #nextPulseAtMs: number
  #pulses = 0
  /** When a link was last lost: from then on the gateway's counts may be off. */
  #linkLostAtMs = -Infinity
  #logLines = 0
  #timedOutAtMs = -Infinity

  /** @param trace is told what everybody is sent. */
  constructor(setting: Setting, trace: (line: string) => void = () => {}) {
    this.#trace = trace
    const { nodes, partitions, carried }: Shape = SHAPES[setting.shape]
    const { mode, merge, historyRecordsMax } = setting
    this.#setting = setting
    this.#random = new Random(setting.seed)
    this.nodes = Object.keys(nodes)
    this.#partitions = partitions
    this.#feed = feedSection.parse({ name: FEED, topic: 'quotes', mode, merge }) as FeedConfig
    this.#model = new LogModel([{ config: this.#feed, partitions }])
    this.#gaps = new GapWatch(this.#report)
    this.#world = new GatewayWorld({
      nodes,
      partitions,
      ...(carried === undefined ? {} : { carried }),
      feeds: [this.#feedOf(historyRecordsMax)],
      gateway: { history: GATEWAY_HISTORY },
      session: { pulseIntervalMs: setting.pulseIntervalMs },
      watched: this.#watched,
    })
    this.#nextPulseAtMs = this.#nowMs
    void this.#world.gateway.start()
    drainMicrotasks()
    this.wait(50)
    this.#sessions = [0, 1].map((index) => this.#connect(index))
  }

  // ---- the log

  records(symbol: string, count: number, deletes: boolean): void {
    for (let left = count; left > 0; left--) {
      const isKnown = this.#model.symbol(FEED, symbol) !== undefined
      const value = deletes && left === 1 && isKnown ? null : someFields(this.#random, this.#random.int(0, 99), NOTE_BYTES_MAX)
      const partition = SYMBOLS.indexOf(symbol as (typeof SYMBOLS)[number]) % this.#partitions
      const offset = this.#world.record(symbol, value, { feed: FEED, partition })
      this.#appended({ key: symbol, value: value === null ? null : JSON.stringify(value) }, partition, offset)
    }
  }

  pulse(): void {
    for (let partition = 0; partition < this.#partitions; partition++) {
      const [offset] = this.#world.pulse({ feed: FEED, partition })
      this.#appended(
        encodePulse(partition, { writer: 'p', sequence: this.#pulses++, generation: 1, atMs: this.#nowMs }),
        partition,
        offset!,
      )
    }
  }

  wait(ms: number): void {
    const endMs = this.#nowMs + ms
    for (; this.#nextPulseAtMs <= endMs; this.#nextPulseAtMs += PULSE_EVERY_MS) {
      this.#world.clock.advance(this.#nextPulseAtMs - this.#nowMs)
      this.pulse()
    }
    this.#world.clock.advance(endMs - this.#nowMs)
  }

  // ---- nodes and links

  lag(node: string): void {
    this.#world.lag(node)
  }

  catchUp(node: string): void {
    this.#world.catchUp(node)
  }

  hold(node: string, direction: 'down' | 'up'): void {
    if (direction === 'down') this.#world.hold(node)
    else this.#world.holdUp(node)
  }

  release(node: string): void {
    this.#world.release(node)
  }

  cut(node: string): void {
    this.#world.cut(node)
  }

  restore(node: string): void {
    this.#world.restore(node)
  }

  /** Another process takes its place, which has read the log, and keeps so many records of a symbol. */
  restart(node: string, historyRecordsMax: number): void {
    this.#world.cut(node)
    this.#world.start(node, [this.#feedOf(historyRecordsMax)])
    this.#world.restore(node)
  }

  // ---- receivers

  subscribe(receiver: number, frame: SubscribeFrame, resume: boolean): void {
    this.#sessions[receiver]!.served.subscribe(frame, resume)
  }

  unsubscribe(receiver: number, id: number, symbols: readonly string[] | null): void {
    this.#sessions[receiver]!.served.unsubscribe(id, symbols)
  }

  /** Its connection breaks; on the next one it begins with nothing, and may resume from what it held. */
  reconnect(receiver: number): void {
    const { served, close } = this.#sessions[receiver]!
    close()
    this.#sessions[receiver] = this.#connect(receiver, served.positions())
  }

  /** Everything is made good and nothing more is recorded: then everybody holds what the log says, and it is fresh. */
  rest(): void {
    for (const node of this.nodes) {
      this.restore(node)
      this.release(node)
      this.catchUp(node)
    }
    this.wait(REST_MS)
    for (const { served } of this.#sessions) this.#checkRested(served)
  }

  #checkRested(served: Served): void {
    for (const what of served.missing()) this.#report('P6', `${served.options.name}: ${what} is not answered`)
    if (served.rows.size === 0) return
    for (const [key, { reason, hop }] of served.notices)
      this.#report('P3', `${served.options.name}: ${key} is still stale, by ${hop}: ${reason}`)
    for (let partition = 0; partition < this.#partitions; partition++) {
      const pulse = served.pulses.get(`${FEED}/${partition}`)
      if (pulse === undefined || this.#nowMs - pulse.writtenAtMs > PULSE_DUE_MS + this.#setting.pulseIntervalMs)
        this.#report(
          'pulse',
          `${served.options.name}: the newest pulse of partition ${partition} is ${pulse === undefined ? 'none' : `${this.#nowMs - pulse.writtenAtMs} ms old`}`,
        )
    }
  }

  get #nowMs(): number {
    return this.#world.clock.nowMs()
  }

  #feedOf(historyRecordsMax: number) {
    const { name, mode, merge } = this.#feed
    return { name, mode, merge, history: { recordsPerSymbolMax: historyRecordsMax, bytesMax: 1024 ** 2 } }
  }

  #appended(append: LogAppend, partition: number, offset: number): void {
    const nowMs = this.#nowMs
    this.#model.appended('quotes', [{ ...append, timestampMs: nowMs }], [{ partition, offset }], nowMs)
  }

  readonly #report = (rule: string, message: string): void => {
    this.failure ??= new Violation(rule, message)
  }

  #hop(name: string, more: Pick<HopOptions, 'countsExactSinceMs' | 'mayNotKnow'>): HopOptions {
    return {
      name,
      model: this.#model,
      report: this.#report,
      nowMs: () => this.#nowMs,
      trace: (what) => this.#trace(`${this.#nowMs} ${name}: ${what()}`),
      ...more,
    }
  }

  /** Puts a monitor on every connection that the gateway makes. */
  readonly #watched = (connect: ConnectLink): ConnectLink => {
    return (address, events) => {
      const node = address.replace(/^ws:\/\/push-(.*):.*$/, '$1')
      const link = new WatchedLink(
        node,
        this.#gaps,
        this.#hop(`gateway from ${node}`, { countsExactSinceMs: () => 0, mayNotKnow: () => false }),
      )
      this.#links.add(link)
      const over = () => {
        if (this.#links.delete(link)) this.#linkLostAtMs = this.#nowMs
      }
      const connection = connect(address, {
        opened: () => events.opened(),
        message: (message) => {
          link.received(message)
          events.message(message)
        },
        closed: (why) => {
          over()
          events.closed(why)
        },
      })
      return {
        send: (message) => {
          link.sent(message)
          connection.send(message)
        },
        drop: () => {
          over()
          connection.drop()
        },
      }
    }
  }

  #connect(index: number, left: ReadonlyMap<string, string> = new Map()): Session {
    const { clock, gateway } = this.#world
    const encoding = (index === 0) === (this.#setting.encoding === 'pulsewire.bin.v1') ? 'pulsewire.bin.v1' : 'pulsewire.json.v1'
    let isOpen = true
    const transport = new MemoryTransport(encoding)
    transport.onSend = (message) => clock.soon(() => isOpen && served.take(message))
    const handler = gateway.sessions.accept(transport)
    const served = new Served(this.#gaps, {
      ...this.#hop(`receiver ${index}`, {
        countsExactSinceMs: (_, symbol) => Math.max(this.#linkLostAtMs, this.#answeredAtMs(symbol)),
        mayNotKnow: () => this.#nowMs - this.#timedOut() < ANSWERED_LATE_MS,
      }),
      feed: FEED,
      encoding,
      left,
      send: (data) => clock.soon(() => isOpen && handler.message(data)),
    })
    served.hello()
    const close = () => {
      if (transport.closedWith !== undefined) this.#report('closed', `receiver ${index}: ${transport.closedWith.reason}`)
      isOpen = false
      handler.closed(1006, 'gone')
    }
    return { served, close }
  }

  /** When links last began to bring the symbol. */
  #answeredAtMs(symbol: string): number {
    let atMs = -Infinity
    for (const { rows } of this.#links) for (const row of rows.values()) if (row.name === symbol) atMs = Math.max(atMs, row.answeredAtMs)
    return atMs
  }

  /** When the gateway last answered something without having heard from upstream. */
  #timedOut(): number {
    const { lines } = this.#world.log
    for (; this.#logLines < lines.length; this.#logLines++)
      if (lines[this.#logLines]!.code === 'upstream_timeout') this.#timedOutAtMs = this.#nowMs
    return this.#timedOutAtMs
  }
}
