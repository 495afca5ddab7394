import type { Encoding, FeedCodec, FeedMode, SubscribeFrame } from '@pulsewire/protocol'
import { silentLogger, type FeedConfig, type LogAppend } from '@pulsewire/server'
import { encodePulse } from '../../../packages/server/src/feeds/index.ts'
import { Hub, type HubSource } from '../../../packages/server/src/hub/index.ts'
import { Intake } from '../../../packages/server/src/push/intake.ts'
import { CLIENT_SESSION, sessionSection } from '../../../packages/server/src/runtime/config/sections/session.ts'
import { feedSection } from '../../../packages/server/src/runtime/config/sections/feeds.ts'
import { Sessions, type SessionOptions } from '../../../packages/server/src/session/index.ts'
import { LogModel } from '../../support/checker/log-model.ts'
import { Violation } from '../../support/checker/report.ts'
import { FEED, someFields } from '../sequences/asks.ts'
import { Subscriber } from '../sequences/subscriber.ts'
import { Kernel } from '../world/kernel.ts'
import { Path } from '../world/path.ts'
import { Pipe } from '../world/pipe.ts'
import { EPOCH_MS, SimProcess } from '../world/process.ts'
import { Random } from '../world/random.ts'

export interface Setting {
  readonly mode: FeedMode
  readonly codec: FeedCodec
  readonly merge: boolean
  readonly encoding: Encoding
  readonly bytesPerMs: number
  readonly historyRecordsMax: number
  readonly pulseIntervalMs: number
  /** How long the longest text in a record is; many such fill a flow window again and again. */
  readonly noteBytesMax: number
  readonly seed: number
}

/** What the sender has is all there is, as at a push node. */
const EVERYTHING: HubSource = {
  want: () => true,
  unwant() {},
  wantPattern: () => true,
  unwantPattern() {},
  explain: () => ({ hop: 'log', reason: 'no_pulse', message: 'nothing comes' }),
}

/** A hub with sessions, one receiver, and a line between them. */
export class SenderWorld {
  failure: Violation | null = null
  readonly #kernel = new Kernel()
  readonly #random: Random
  readonly #noteBytesMax: number
  readonly #process: SimProcess
  readonly #model: LogModel
  readonly #config: FeedConfig
  readonly #intake: Intake
  readonly #receiver: Subscriber
  readonly #paths: { readonly there: Path; readonly back: Path }
  #offset = 0
  #sequence = 0

  constructor({ mode, codec, merge, encoding, bytesPerMs, historyRecordsMax, pulseIntervalMs, noteBytesMax, seed }: Setting) {
    this.#random = new Random(seed)
    this.#noteBytesMax = noteBytesMax
    this.#process = new SimProcess(this.#kernel, 'sender', 'sender', { offsetMs: 0, drift: 0 })
    const receiver = new SimProcess(this.#kernel, 'receiver', 'receiver', { offsetMs: 1000, drift: 0 })
    const history = { recordsPerSymbolMax: historyRecordsMax }
    this.#config = feedSection.parse({
      name: FEED,
      topic: 'quotes',
      mode,
      codec,
      merge: merge && codec === 'json',
      history,
    }) as FeedConfig
    this.#model = new LogModel([{ config: this.#config, partitions: 1 }])
    const hub = new Hub({ nodeId: 'sender', clock: this.#process.clock, feeds: [{ ...this.#config, staleAfterMs: 1e9 }] })
    const session = { ...(sessionSection(CLIENT_SESSION).parse({}) as SessionOptions), pulseIntervalMs }
    const sessions = new Sessions({ hub, session, role: 'push', version: 'test', log: silentLogger, random: this.#random.fork().next })
    hub.connect(EVERYTHING, sessions)
    hub.setShape(hub.feed(FEED)!, 1, 1)
    this.#intake = new Intake(hub, hub.feed(FEED)!, this.#config, silentLogger)
    const report = (rule: string, message: string) => {
      this.failure ??= new Violation(rule, message)
    }
    this.#receiver = new Subscriber({
      name: 'receiver',
      model: this.#model,
      report,
      nowMs: () => this.#kernel.nowMs,
      countsExactSinceMs: () => 0,
      mayNotKnow: () => false,
      trace: () => {},
      feed: FEED,
      encoding,
      send: (data) => there.send({ data, bytes: data.length }),
    })
    const back = new Path(this.#random.fork(), 5, 5, bytesPerMs)
    this.#paths = { there: new Path(this.#random.fork(), 5, 5, 1000), back }
    const kernelBytesMax = 16 * 1024
    const down = new Pipe(this.#kernel, {
      from: this.#process,
      to: receiver,
      path: back,
      kernelBytesMax,
      deliver: (parcel) => {
        if ('data' in parcel) this.#receiver.take(parcel.data)
      },
      drained: () => handler.drained(),
    })
    const handler = sessions.accept({
      encoding,
      remote: 'receiver',
      get bufferedBytes() {
        return down.bufferedBytes
      },
      send: (data) => down.send({ data, bytes: data.length }),
      close: (code, reason) => report('closed', `${code} ${reason}`),
    })
    const there = new Pipe(this.#kernel, {
      from: receiver,
      to: this.#process,
      path: this.#paths.there,
      kernelBytesMax,
      deliver: (parcel) => {
        if ('data' in parcel) handler.message(parcel.data)
      },
      drained: () => {},
    })
    this.#receiver.hello()
  }

  record(symbol: string, count: number, deletes: boolean): void {
    const random = this.#random
    const records = Array.from({ length: count }, (_, index): LogAppend => {
      if (deletes && index === count - 1) return { key: symbol, value: null }
      if (this.#config.codec === 'raw') return { key: symbol, value: `raw ${this.#offset + index}` }
      return { key: symbol, value: JSON.stringify(someFields(random, this.#offset + index, this.#noteBytesMax)) }
    })
    this.#append(records)
  }

  pulse(): void {
    this.#append([encodePulse(0, { writer: 'p', sequence: this.#sequence++, generation: 1, atMs: this.#process.clock.nowMs() })])
  }

  subscribe(frame: SubscribeFrame, resume: boolean): void {
    this.#receiver.subscribe(frame, resume)
  }

  unsubscribe(id: number, symbols: readonly string[] | null): void {
    this.#receiver.unsubscribe(id, symbols)
  }

  stall(direction: 'there' | 'back', ms: number): void {
    const path = this.#paths[direction]
    path.stall(this.#kernel.nowMs)
    this.#kernel.after(ms, () => path.resume())
  }

  wait(ms: number): void {
    this.#kernel.runUntil(this.#kernel.nowMs + ms)
  }

  /** Nothing more happens: behind one last pulse, everything is as the log says. */
  rest(): void {
    this.wait(4000)
    this.pulse()
    const newestPulse = () => this.#receiver.pulses.get(`${FEED}/0`)?.offset ?? -1
    this.wait(60_000)
    // The thinnest line needs its time for the longest history.
    for (let i = 0; i < 60 && newestPulse() !== this.#offset - 1; i++) this.wait(10_000)
    const newest = newestPulse()
    const subscribed = this.#receiver.rows.size > 0
    if (subscribed && newest !== this.#offset - 1)
      this.failure ??= new Violation('pulse', `the last pulse, at ${this.#offset - 1}, never came; ${newest} was the last`)
  }

  #append(records: readonly LogAppend[]): void {
    const stamped = records.map((record) => ({ timestampMs: EPOCH_MS + Math.floor(this.#kernel.nowMs), ...record }))
    const first = this.#offset
    this.#offset += records.length
    this.#model.appended(
      'quotes',
      stamped,
      stamped.map((_, index) => ({ partition: 0, offset: first + index })),
      this.#kernel.nowMs,
    )
    this.#intake.take({
      kind: 'records',
      partition: 0,
      highWatermark: this.#offset,
      records: stamped.map(({ key, value, timestampMs }, index) => ({
        offset: first + index,
        timestampMs,
        key: bytesOf(key),
        value: bytesOf(value),
      })),
    })
  }
}

function bytesOf(data: string | Uint8Array | null): Uint8Array | null {
  return typeof data === 'string' ? Buffer.from(data) : data
}
