/**
 * The verdict on a fault run: what every client saw, held against what the log says. Looks at recordings alone, so that
 * its own tests can show it each kind of lie.
 */
import { parsePosition } from '@pulsewire/protocol'
import type { ClientRecording, ViewEvent, ViewRecording } from './client-recorder.ts'
import { describeImage, describeRecord, matches, type HeldImage } from './image.ts'
import type { LogModel, ModelSymbol } from './log-model.ts'
import { overlapMs, type Span } from './spans.ts'
import { notLiveSpans, type NotLive } from './view-times.ts'

export type Rule = 'missed' | 'order' | 'value' | 'stale shown as live' | 'live shown as stale' | 'end'

export interface Finding {
  readonly rule: Rule
  readonly client: string
  readonly symbol: string
  readonly atMs: number
  readonly message: string
}

/** A time in which a fault allows some clients to say that they are not live. */
export interface Excuse extends Span {
  readonly why: string
  /** Default: every client. */
  readonly clients?: ReadonlySet<string>
}

export interface Evidence {
  /** Every record of the log, with the steady time at which it was certainly there: `Infinity` where nobody knows. */
  readonly model: LogModel
  readonly clients: readonly ClientRecording[]
  /** When recording ended; by then producing had ceased and everything had its time to arrive. */
  readonly endMs: number
  /** How old the truth may be that a live view shows. */
  readonly truthAgeMaxMs: number
  readonly excuses: readonly Excuse[]
  /** When the recording process itself stood still: what clients in it showed late in that time is laid to nobody. */
  readonly stalls?: readonly Span[]
}

/** Everything that was shown and was not so. Empty: no client was lied to. */
export function judgeRun(evidence: Evidence): Finding[] {
  const findings: Finding[] = []
  for (const client of evidence.clients) {
    for (const view of client.views) {
      for (const [symbol, events] of bySymbol(view)) new SymbolJudge(evidence, client.id, view, symbol, findings).run(events)
    }
  }
  return findings
}

function bySymbol(view: ViewRecording): Map<string, ViewEvent[]> {
  const all = new Map<string, ViewEvent[]>(view.symbols.map((symbol) => [symbol, []]))
  for (const event of view.events) {
    const events = all.get(event.symbol)
    if (events === undefined) all.set(event.symbol, [event])
    else events.push(event)
  }
  return all
}

/** What one client saw of one symbol. */
class SymbolJudge {
  readonly #evidence: Evidence
  readonly #client: string
  readonly #view: ViewRecording
  readonly #symbol: string
  readonly #records: ModelSymbol | undefined
  readonly #findings: Finding[]
  /** Index of the record shown; −1 before the first. */
  #shown = -1
  #isLive = false
  #sinceMs = 0
  /** The longest time that something old was shown as live, told once. */
  #worst: { readonly lieMs: number; readonly atMs: number; readonly message: string } | null = null

  constructor(evidence: Evidence, client: string, view: ViewRecording, symbol: string, findings: Finding[]) {
    this.#evidence = evidence
    this.#client = client
    this.#view = view
    this.#symbol = symbol
    this.#records = evidence.model.symbol(view.feed, symbol)
    this.#findings = findings
  }

  run(events: readonly ViewEvent[]): void {
    for (const event of events) {
      this.#passTime(event.atMs)
      if (event.kind === 'update') this.#update(event)
      else this.#isLive = event.state.state === 'live'
    }
    this.#passTime(this.#evidence.endMs)
    if (this.#worst !== null) this.#find('stale shown as live', this.#worst.atMs, this.#worst.message)
    for (const span of notLiveSpans(events, this.#evidence.endMs)) this.#notLive(span)
    this.#end(events)
  }

  #find(rule: Rule, atMs: number, message: string): void {
    this.#findings.push({ rule, client: this.#client, symbol: this.#symbol, atMs, message })
  }

  #update(event: Extract<ViewEvent, { kind: 'update' }>): void {
    const position = parsePosition(event.position)!
    const index = this.#records?.indexAt(position) ?? -1
    if (index < 0) return this.#find('value', event.atMs, `${event.position}: the log has no such record of it`)
    const record = this.#records!.records[index]!
    const image: HeldImage = { deleted: event.deleted, raw: event.raw, values: new Map(Object.entries(event.values)) }
    if (!matches(image, record, this.#view.fields))
      this.#find('value', event.atMs, `${event.position}: shows ${describeImage(image)}, the log says ${describeRecord(record)}`)
    const isFirst = this.#shown < 0
    if (!isFirst && !(event.again && index === this.#shown)) {
      if (index <= this.#shown)
        this.#find('order', event.atMs, `${event.position} comes after ${describeRecord(this.#records!.records[this.#shown])}`)
      else if (this.#view.every && index > this.#shown + 1)
        this.#find(
          'missed',
          event.atMs,
          `${index - this.#shown - 1} records before ${event.position} never came${event.gapTold ? ' (a gap was told)' : ''}`,
        )
    }
    this.#shown = Math.max(this.#shown, index)
  }

  /** Up to now the view showed what it showed; was it still true? */
  #passTime(untilMs: number): void {
    const fromMs = this.#sinceMs
    this.#sinceMs = untilMs
    const next = this.#records?.records[this.#shown + 1]
    if (!this.#isLive || next === undefined) return
    const oldAtMs = next.atMs + this.#evidence.truthAgeMaxMs
    const shownMs = untilMs - Math.max(fromMs, oldAtMs)
    // Mostly so, and all stalls of a long run are much to look through.
    if (!(shownMs > 0)) return
    const stalledMs = (this.#evidence.stalls ?? []).reduce((sum, stall) => sum + overlapMs(stall, { fromMs: next.atMs, untilMs }), 0)
    const lieMs = shownMs - stalledMs
    if (lieMs <= (this.#worst?.lieMs ?? 0)) return
    const age = Math.round(untilMs - next.atMs)
    this.#worst = {
      lieMs,
      atMs: untilMs - lieMs,
      message: `shown live although ${describeRecord(next)} had been in the log for ${age} ms (at most ${Math.round(this.#evidence.truthAgeMaxMs)} ms)`,
    }
  }

  #notLive(span: NotLive): void {
    const excuses = this.#evidence.excuses.filter(({ clients }) => clients === undefined || clients.has(this.#client))
    if (excuses.some(({ fromMs, untilMs }) => fromMs <= span.fromMs && span.untilMs <= untilMs)) return
    const lasted = Math.round(span.untilMs - span.fromMs)
    const late = excuses.find(({ fromMs, untilMs }) => fromMs <= span.fromMs && span.fromMs <= untilMs)
    const why = late === undefined ? 'which no fault excuses' : `longer than "${late.why}" excuses`
    this.#find('live shown as stale', span.fromMs, `${span.said} for ${lasted} ms, ${why}`)
  }

  /** At rest a view is live and shows the newest record. */
  #end(events: readonly ViewEvent[]): void {
    const { endMs } = this.#evidence
    const last = (this.#records?.records.length ?? 0) - 1
    if (this.#shown < last && this.#records!.records.some(({ optional }) => !optional)) {
      const what = `${last - this.#shown} records up to ${describeRecord(this.#records!.records[last])} never came`
      this.#find(this.#view.every ? 'missed' : 'end', endMs, what)
    }
    const state = events.findLast((event) => event.kind === 'state')
    if (state?.state.state !== 'live') this.#find('end', endMs, `is ${state?.state.state ?? 'never told of'} at the end`)
  }
}
