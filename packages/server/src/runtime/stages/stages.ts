import { Exclusive, type ExclusiveOptions } from './exclusive.ts'
import { monotonicMs } from './monotonic.ts'
import { LOOP_ROW, STAGES_MAX, StageTable } from './table.ts'

/** One named part of a process's work. While it is busy for longer than its deadline, the process is stuck. */
export interface Stage {
  /** Busy from now on. Does not nest: for work of one turn, or of one loop. */
  enter(): void
  leave(): void
  /**
   * One of any number of waits at once: the oldest counts. `holder` says who waits for what, for whoever reads the report.
   * Leaving twice is harmless.
   */
  hold(holder: string): Hold
  /** As `hold`, until the promise has settled. */
  during<T>(holder: string, work: Promise<T>): Promise<T>
}

export interface Hold extends Disposable {
  /** Says something newer about the same wait. */
  rename(holder: string): void
}

/** A stage as a report shows it. */
export interface StageAccount {
  readonly stage: string
  readonly deadlineMs: number
  /** How often it was entered. */
  readonly entries: number
  /** For how long it has been busy; `null` while it is idle. */
  readonly busyMs: number | null
  /** Who holds it, the oldest first, and for how long. */
  readonly holders: readonly { readonly holder: string; readonly heldMs: number; readonly at: readonly string[] }[]
  /** Who waits for an exclusive section, in order. */
  readonly waiting?: readonly { readonly holder: string; readonly heldMs: number }[]
}

/** A stage that is past its deadline. */
export interface StageFault {
  readonly stage: string
  readonly busyMs: number
  readonly holder: string | null
}

export interface StageOptions {
  /** How long it may be busy. Default: what the process allows local work. */
  readonly deadlineMs?: number
  /** Who waits for it, for its account. */
  readonly waiting?: () => StageAccount['waiting']
}

/** Where parts of a process register their stages. */
export interface Stages {
  /** A name that is there already gets a number behind it. */
  open(name: string, options?: StageOptions): Stage
  /** A section that one task at a time may be in; a stage as well. */
  exclusive(name: string, options: ExclusiveOptions): Exclusive
  /** The stage that the watchdog found past its deadline, if any: a node with one is not ready. */
  readonly fault: StageFault | null
}

const IDLE_HOLD: Hold = { rename() {}, [Symbol.dispose]() {} }

const UNWATCHED: Stage = { enter() {}, leave() {}, hold: () => IDLE_HOLD, during: (_holder, work) => work }

/** Nobody watches: for tests, for simulations, and where the watchdog is turned off. */
export const unwatchedStages: Stages = {
  open: () => UNWATCHED,
  exclusive: (name, options) => new Exclusive(name, () => UNWATCHED, options),
  fault: null,
}

/** Holders named in an account; of more, only the oldest matter. */
const HOLDERS_SHOWN_MAX = 20

/** Frames kept of where a holder came in. */
const TRACE_FRAMES = 8
/** Traces kept per stage: partitions and topics come and go, and so do the names of their holders. */
const TRACES_MAX = 1000

interface Held {
  holder: string
  /** Where it came in; text only when somebody asks. */
  readonly trace: { readonly stack?: string }
  readonly sinceMs: number
}

class SharedStage implements Stage {
  readonly name: string
  readonly waiting: (() => StageAccount['waiting']) | undefined
  readonly #table: StageTable
  readonly #row: number
  readonly #nowMs: () => number
  /** In the order of their beginning: the first is the oldest. */
  readonly #held = new Set<Held>()
  /** Where each holder came in the first time. Looking costs several µs, and those of one name come in by the same way. */
  readonly #traces = new Map<string, Held['trace']>()

  constructor(name: string, table: StageTable, row: number, nowMs: () => number, waiting: (() => StageAccount['waiting']) | undefined) {
    this.name = name
    this.waiting = waiting
    this.#table = table
    this.#row = row
    this.#nowMs = nowMs
  }

  enter(): void {
    this.#table.enter(this.#row, this.#nowMs())
  }

  leave(): void {
    this.#table.leave(this.#row)
  }

  hold(holder: string): Hold {
    const held: Held = { holder, trace: this.#traceOf(holder), sinceMs: this.#nowMs() }
    this.#held.add(held)
    this.#table.enter(this.#row, oldest(this.#held)!.sinceMs)
    return {
      rename: (newer) => {
        held.holder = newer
      },
      [Symbol.dispose]: () => this.#release(held),
    }
  }

  #traceOf(holder: string): Held['trace'] {
    let trace = this.#traces.get(holder)
    if (trace === undefined) {
      if (this.#traces.size >= TRACES_MAX) this.#traces.clear()
      this.#traces.set(holder, (trace = traceOf(this.hold)))
    }
    return trace
  }

  async during<T>(holder: string, work: Promise<T>): Promise<T> {
    using _ = this.hold(holder)
    return await work
  }

  #release(held: Held): void {
    if (!this.#held.delete(held)) return
    this.#table.busySince(this.#row, oldest(this.#held)?.sinceMs ?? 0)
  }

  account(nowMs: number): StageAccount {
    const sinceMs = this.#table.sinceMs(this.#row)
    const holders = [...this.#held].slice(0, HOLDERS_SHOWN_MAX).map((held) => ({
      holder: held.holder,
      heldMs: Math.round(nowMs - held.sinceMs),
      at: framesOf(held.trace),
    }))
    const waiting = this.waiting?.()
    return {
      stage: this.name,
      deadlineMs: this.#table.deadlineMs(this.#row),
      entries: this.#table.entries(this.#row),
      busyMs: sinceMs === 0 ? null : Math.round(nowMs - sinceMs),
      holders,
      ...(waiting === undefined ? {} : { waiting }),
    }
  }
}

/** Taking the stack is cheap; making text of it is not, and waits until a report needs it. */
function traceOf(above: (holder: string) => Hold): { readonly stack?: string } {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = TRACE_FRAMES
  const trace: { readonly stack?: string } = {}
  Error.captureStackTrace(trace, above)
  Error.stackTraceLimit = limit
  return trace
}

function framesOf({ stack }: { readonly stack?: string }): string[] {
  return (stack ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/^at /, ''))
}

function oldest(held: ReadonlySet<Held>): Held | undefined {
  for (const first of held) return first
  return undefined
}

/** The stages of a watched process. Names reach the watchdog through `onOpen`, before any of them can be overdue. */
export class SharedStages implements Stages {
  readonly table = new StageTable()
  /** By name. */
  readonly sections = new Map<string, Exclusive>()
  /** Stages that found no row left. */
  unwatched = 0
  readonly #nowMs: () => number
  readonly #onOpen: (row: number, name: string) => void
  readonly #stages: (SharedStage | null)[] = [null]

  readonly #deadlineMs: number

  constructor(options: {
    /** Of a stage that names none of its own. */
    readonly deadlineMs: number
    readonly nowMs?: () => number
    /** A stage was opened. */
    readonly onOpen?: (row: number, name: string) => void
  }) {
    this.#deadlineMs = options.deadlineMs
    this.#nowMs = options.nowMs ?? monotonicMs
    this.#onOpen = options.onOpen ?? (() => {})
  }

  open(name: string, options: StageOptions = {}): Stage {
    const row = this.#stages.length
    if (row >= STAGES_MAX) {
      this.unwatched++
      return UNWATCHED
    }
    const same = this.#stages.filter((other) => other?.name.replace(/ #\d+$/, '') === name).length
    const stage = new SharedStage(same === 0 ? name : `${name} #${same + 1}`, this.table, row, this.#nowMs, options.waiting)
    this.#stages.push(stage)
    this.table.open(row, options.deadlineMs ?? this.#deadlineMs)
    this.#onOpen(row, stage.name)
    return stage
  }

  exclusive(name: string, options: ExclusiveOptions): Exclusive {
    const section = new Exclusive(name, (more) => this.open(name, more), options, this.#nowMs)
    this.sections.set(name, section)
    return section
  }

  get fault(): StageFault | null {
    const row = this.table.overdueRow
    if (row < 0) return null
    const account = this.#stages[row]?.account(this.#nowMs())
    if (account === undefined)
      return { stage: 'event_loop', busyMs: Math.round(this.#nowMs() - this.table.sinceMs(LOOP_ROW)), holder: null }
    return { stage: account.stage, busyMs: account.busyMs ?? 0, holder: account.holders[0]?.holder ?? null }
  }

  accounts(): StageAccount[] {
    const nowMs = this.#nowMs()
    return this.#stages.flatMap((stage) => (stage === null ? [] : [stage.account(nowMs)]))
  }
}

/** One line for a probe's answer and for the log. */
export function describeFault({ stage, busyMs, holder }: StageFault): string {
  return `stage ${stage} is past its deadline: busy for ${busyMs} ms, held by ${holder ?? 'nobody that is known'}`
}
