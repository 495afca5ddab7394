import type { ControlFrame, Encoding, FeedCodec, FeedMode, PulseFrame, SubscribeFrame } from '@pulsewire/protocol'
import { encodeUpstreamFor, formatPosition, type UpstreamFrame } from '@pulsewire/protocol'
import { silentLogger, type FeedConfig, type LogAppend } from '@pulsewire/server'
import { encodePulse } from '../../../packages/server/src/feeds/index.ts'
import { Hub, type HubSource } from '../../../packages/server/src/hub/index.ts'
import { Intake } from '../../../packages/server/src/push/intake.ts'
import { CLIENT_SESSION, sessionSection } from '../../../packages/server/src/runtime/config/sections/session.ts'
import { feedSection } from '../../../packages/server/src/runtime/config/sections/feeds.ts'
import { Sessions, type SessionOptions } from '../../../packages/server/src/session/index.ts'
import { HopMonitor } from '../../support/checker/hop-monitor.ts'
import { LogModel } from '../../support/checker/log-model.ts'
import { Violation } from '../../support/checker/report.ts'
import { Kernel } from '../world/kernel.ts'
import { Path } from '../world/path.ts'
import { Pipe, type Data, type Parcel } from '../world/pipe.ts'
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

/** A receiver by the book that acknowledges, too. */
class AckingMonitor extends HopMonitor {
  highestPulse = 0
  readonly marks: number[] = []

  override onPulse(frame: PulseFrame): void {
    this.highestPulse = Math.max(this.highestPulse, frame.pulse)
    super.onPulse(frame)
  }

  override onControl(frame: ControlFrame): void {
    if (frame.t === 'mark') this.marks.push(frame.mark)
    super.onControl(frame)
  }
}

/** A hub with sessions, one receiver, and a line between them. */
export class SenderWorld {
  failure: Violation | null = null
  readonly #kernel = new Kernel()
  readonly #random: Random
  readonly #noteBytes: number
  readonly #process: SimProcess
  readonly #model: LogModel
  readonly #config: FeedConfig
  readonly #intake: Intake
  readonly #monitor: AckingMonitor
  readonly #there: Pipe
  readonly #paths: { readonly there: Path; readonly back: Path }
  readonly #encode: (frame: UpstreamFrame) => Data
  #offset = 0
  #sequence = 0
  /** By symbol, what a receiver last held that unsubscribed: it may resume from there much later. */
  readonly #left = new Map<string, string>()
  /** Ids in use, so that nobody unsubscribes what it never asked for. */
  readonly #open = new Set<number>()

  constructor({ mode, codec, merge, encoding, bytesPerMs, historyRecordsMax, pulseIntervalMs, noteBytesMax, seed }: Setting) {
    this.#random = new Random(seed)
    this.#noteBytes = noteBytesMax / 3
    this.#process = new SimProcess(this.#kernel, 'sender', 'sender', { offsetMs: 0, drift: 0 })
    const receiver = new SimProcess(this.#kernel, 'receiver', 'receiver', { offsetMs: 1000, drift: 0 })
    const history = { recordsPerSymbolMax: historyRecordsMax }
    this.#config = feedSection.parse({
      name: 'quote',
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
    hub.setShape(hub.feed('quote')!, 1, 1)
    this.#intake = new Intake(hub, hub.feed('quote')!, this.#config, silentLogger)
    const report = (rule: string, message: string) => {
      this.failure ??= new Violation(rule, message)
    }
    this.#monitor = new AckingMonitor({
      name: 'receiver',
      model: this.#model,
      report,
      nowMs: () => this.#kernel.nowMs,
      countsExactSinceMs: () => 0,
      mayNotKnow: () => false,
      trace: () => {},
    })
    this.#monitor.opened(encoding)
    this.#encode = encodeUpstreamFor(encoding)
    const back = new Path(this.#random.fork(), 5, 5, bytesPerMs)
    this.#paths = { there: new Path(this.#random.fork(), 5, 5, 1000), back }
    const kernelBytesMax = 16 * 1024
    const down = new Pipe(this.#kernel, {
      from: this.#process,
      to: receiver,
      path: back,
      kernelBytesMax,
      deliver: (parcel) => this.#received(parcel),
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
    this.#there = new Pipe(this.#kernel, {
      from: receiver,
      to: this.#process,
      path: this.#paths.there,
      kernelBytesMax,
      deliver: (parcel) => {
        if ('data' in parcel) handler.message(parcel.data)
      },
      drained: () => {},
    })
    this.#send({ t: 'hello', client: 'test' })
  }

  record(symbol: string, count: number, deletes: boolean): void {
    const random = this.#random
    const records = Array.from({ length: count }, (_, index): LogAppend => {
      if (deletes && index === count - 1) return { key: symbol, value: null }
      if (this.#config.codec === 'raw') return { key: symbol, value: `raw ${this.#offset + index}` }
      const fields = {
        seq: this.#offset + index,
        last: random.int(0, 9) / 10 ** random.int(0, 3),
        status: random.pick(['a', null, 'b']),
        book: [random.int(0, 2)],
        note: 'x'.repeat(random.int(0, 3) * this.#noteBytes),
      }
      return { key: symbol, value: JSON.stringify(Object.fromEntries(Object.entries(fields).filter(() => random.chance(0.6)))) }
    })
    this.#append(records)
  }

  pulse(): void {
    this.#append([encodePulse(0, { writer: 'p', sequence: this.#sequence++, generation: 1, atMs: this.#process.clock.nowMs() })])
  }

  subscribe(frame: SubscribeFrame, resume: boolean): void {
    const from: Record<string, string> = {}
    // Of a pattern alone all that it brought is resumed.
    const isResumed = (name: string) => resume && (frame.symbols?.includes(name) ?? true)
    for (const [name, position] of this.#left) if (isResumed(name)) from[name] = position
    for (const row of this.#monitor.rows.values())
      if (row.id === frame.id && row.held !== null && isResumed(row.name)) from[row.name] = this.#positionOf(row.name, row.heldIndex)
    this.#open.add(frame.id)
    this.#send({ ...frame, ...(Object.keys(from).length === 0 ? {} : { from }) })
  }

  unsubscribe(id: number, symbols: readonly string[] | null): void {
    if (!this.#open.has(id)) return
    for (const row of this.#monitor.rows.values())
      if (row.id === id && row.held !== null) this.#left.set(row.name, this.#positionOf(row.name, row.heldIndex))
    this.#send(symbols === null ? { t: 'unsubscribe', id } : { t: 'unsubscribe', id, symbols })
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
    const newestPulse = () => this.#monitor.pulses.get('quote/0')?.offset ?? -1
    this.wait(60_000)
    // The thinnest line needs its time for the longest history.
    for (let i = 0; i < 60 && newestPulse() !== this.#offset - 1; i++) this.wait(10_000)
    const newest = newestPulse()
    const subscribed = this.#monitor.rows.size > 0
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

  #positionOf(symbol: string, index: number): string {
    return formatPosition({ generation: 1, partition: 0, offset: this.#model.symbol('quote', symbol)!.records[index]!.offset })
  }

  #received(parcel: Parcel): void {
    if (!('data' in parcel)) return
    const monitor = this.#monitor
    monitor.highestPulse = 0
    monitor.received(parcel.data)
    for (const mark of monitor.marks.splice(0)) this.#send({ t: 'ack', mark })
    if (monitor.highestPulse > 0)
      this.#send({ t: 'ack', pulse: monitor.highestPulse, count: monitor.digest.count, digest: monitor.digest.value })
  }

  #send(frame: UpstreamFrame): void {
    const data = this.#encode(frame)
    this.#monitor.sent(data)
    this.#there.send({ data, bytes: data.length })
  }
}

function bytesOf(data: string | Uint8Array | null): Uint8Array | null {
  return typeof data === 'string' ? Buffer.from(data) : data
}
