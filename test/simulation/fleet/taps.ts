import type { ControlFrame } from '@pulsewire/protocol'
import { HopMonitor } from '../../support/checker/hop-monitor.ts'
import type { HopTap } from '../world/adapters.ts'
import type { Data } from '../world/pipe.ts'
import type { SimProcess } from '../world/process.ts'
import { confirmationOf, withFirst } from './kept-row.ts'
import { withoutRow } from './lost-row.ts'
import type { World } from './world.ts'

export interface TapOptions {
  readonly receiver: string
  readonly process: SimProcess
  readonly sender: string
  readonly countsExactSinceMs: (feed: string, symbol: string) => number
  readonly mayNotKnow: () => boolean
}

/** One session of one hop, watched. */
export interface WatchedHop {
  readonly options: TapOptions
  readonly monitor: HopMonitor
  open: boolean
  /** A fault: the next message of the receiver that (un)subscribes is lost on its way. */
  loseNext: boolean
  /** Told when it was. */
  lost: (() => void) | null
  /** A fault: the next row that a pattern brings is lost on its way. */
  loseNextRow: boolean
  /** A fault: the next rows that the receiver unsubscribes are kept by the sender, which says that they are not. */
  keepNext: boolean
}

/** Puts a monitor on every session of every hop. */
export class Taps {
  readonly hops = new Set<WatchedHop>()
  /** Sums over all sessions that have ended. */
  readonly sums = { updates: 0, pulses: 0, gaps: 0, resubscribes: 0, conflated: 0 }
  /** Told when a fault has made the two ends of a session differ. */
  differs: (hop: WatchedHop) => void = () => {}
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  make(options: TapOptions): HopTap {
    const world = this.#world
    const name = `${options.receiver} from ${options.sender}`
    const monitor = new HopMonitor({
      name,
      model: world.model,
      report: world.report,
      nowMs: () => world.nowMs,
      countsExactSinceMs: options.countsExactSinceMs,
      mayNotKnow: options.mayNotKnow,
      // A fault of push nodes: what they are configured to, their gateways must not follow.
      mayBeAhead: options.sender.startsWith('push'),
      trace: (what) => world.trace.say(options.receiver, () => `${options.sender} → ${what()}`),
    })
    const hop: WatchedHop = { options, monitor, open: true, loseNext: false, lost: null, loseNextRow: false, keepNext: false }
    /** What the sender says that it did not do. */
    let pretended: ControlFrame | undefined
    this.hops.add(hop)
    return {
      opened: (encoding) => monitor.opened(encoding),
      sent: (data) => {
        const frames = monitor.sent(data)
        if (frames.some(({ t }) => t !== 'ack'))
          world.trace.say(options.receiver, () => `→ ${options.sender}: ${frames.map((frame) => JSON.stringify(frame)).join(' ')}`)
        const loses = hop.loseNext && frames.some(({ t }) => t === 'subscribe' || t === 'unsubscribe')
        if (loses) {
          hop.loseNext = false
          this.#lossy(hop)
          world.trace.say('FAULT', () => `the message is lost`)
          hop.lost?.()
        }
        if (!loses && hop.keepNext) pretended = confirmationOf(frames, monitor)
        if (pretended === undefined || !hop.keepNext) return !loses
        hop.keepNext = false
        this.#lossy(hop)
        world.trace.say('FAULT', () => 'the rows are kept')
        return false
      },
      arriving: (data) => {
        const told = pretended === undefined ? data : withFirst(pretended, data, monitor.encoding)
        pretended = undefined
        const arrives = hop.loseNextRow ? this.#loseRow(hop, told) : told
        monitor.received(arrives)
        return arrives
      },
      arrived: () => {},
      closed: () => this.#closed(hop),
    }
  }

  /** The open session by its name. */
  bySession(session: string): HopMonitor | undefined {
    for (const { monitor } of this.hops) if (monitor.welcome?.session === session) return monitor
    return undefined
  }

  /** World time at which a receiver's sessions last began to give it the symbol. */
  answeredAtMs(receiver: string, feed: string, symbol: string): number {
    let atMs = 0
    for (const { options, monitor } of this.hops) {
      if (options.receiver !== receiver) continue
      for (const row of monitor.rows.values())
        if (row.name === symbol && row.feed.config.name === feed) atMs = Math.max(atMs, row.answeredAtMs)
    }
    return atMs
  }

  /** A bug somewhere: one end has a row that the other has not. Only digests show it, because nobody waits for the row. */
  #loseRow(hop: WatchedHop, data: Data): Data {
    const left = withoutRow(data)
    if (left === undefined) return data
    hop.loseNextRow = false
    this.#lossy(hop)
    this.#world.trace.say('FAULT', () => 'a row is lost')
    return left
  }

  #lossy(hop: WatchedHop): void {
    hop.monitor.lossy = true
    this.differs(hop)
  }

  #closed(hop: WatchedHop): void {
    if (!this.hops.delete(hop)) return
    hop.open = false
    this.#world.trace.say(hop.options.receiver, () => `session with ${hop.options.sender} is over`)
    const { counts } = hop.monitor
    for (const key of Object.keys(this.sums) as (keyof typeof counts)[]) this.sums[key] += counts[key]
  }
}
