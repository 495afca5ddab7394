import { LOOP_ROW, type StageAccount, type StageTable } from '../stages/index.ts'
import type { Logger } from '../logger.ts'
import { Judge, type Overdue } from './judge.ts'
import type { ProcessAccount, WatchdogSettings } from './messages.ts'
import type { MainThreadView } from './main-thread.ts'

export const LOOK_INTERVAL_MS = 100
/** Looks that come later than this are those of a process that stood still. */
const STANDSTILL_MS = 500
/** An operator who looks at the process puts off its end, but for no longer. */
export const HOLD_MS_MAX = 120_000
/** How long a process that still turns may take to end in good order. */
const END_GRACE_MS = 2000

export type FaultReason = 'stuck' | 'blocked'

/** What a report is made from. */
export interface Finding {
  readonly reason: FaultReason
  readonly message: string
  readonly stage: string
  readonly busyMs: number
  readonly holder: string | null
  /** Of the main thread, innermost first; `null` when it could not be held still. */
  readonly stack: readonly string[] | null
  readonly account: ProcessAccount | null
  readonly stages: readonly StageAccount[]
  readonly exit: { readonly code: number; readonly inMs: number }
}

/** What the watch acts on; real in the watchdog's thread. */
export interface WatchDeps {
  readonly table: StageTable
  readonly names: ReadonlyMap<number, string>
  readonly settings: WatchdogSettings
  readonly logger: Logger
  readonly nowMs: () => number
  /** Holds the main thread still and looks at its stack. */
  readonly look: () => Promise<MainThreadView | undefined>
  /** Asks a main thread that turns. */
  readonly askAccount: () => Promise<ProcessAccount | undefined>
  readonly report: (finding: Finding) => Promise<void>
  /** Asks the main thread to end in good order. */
  readonly askToEnd: (reason: FaultReason) => void
  /** Ends the process whatever its main thread does. */
  readonly end: (code: number) => Promise<void>
  /** At each look at which all is well. */
  readonly alive: (nowMs: number) => void
}

type State =
  | { readonly kind: 'watching' }
  | { readonly kind: 'alarmed'; readonly row: number; readonly atMs: number }
  | { readonly kind: 'asked'; readonly row: number; readonly atMs: number }
  | { readonly kind: 'ended' }

/** From a look at the table to the end of the process: names what is stuck, lets it come back, and ends what does not. */
export class Watch {
  readonly #deps: WatchDeps
  readonly #judge: Judge
  #state: State = { kind: 'watching' }
  /** What is stuck, for whoever probes; `null` when nothing is. */
  trouble: string | null = null
  #looking = 0

  constructor(deps: WatchDeps) {
    this.#deps = deps
    this.#judge = new Judge(deps.table, { loopDeadlineMs: deps.settings.loopDeadlineMs, standstillMs: STANDSTILL_MS }, deps.nowMs())
  }

  /** To be called every `LOOK_INTERVAL_MS`. */
  tick(): void {
    const nowMs = this.#deps.nowMs()
    const overdue = this.#judge.look(nowMs)
    const state = this.#state
    switch (state.kind) {
      case 'watching':
        if (overdue === undefined) this.#deps.alive(nowMs)
        else this.#alarm(overdue, nowMs)
        return
      case 'alarmed':
        if (this.#judge.isOver(state.row, nowMs)) this.#recover(state.row, nowMs - state.atMs)
        // A loop that stands still as well is the worse of the two.
        else if (overdue?.row === LOOP_ROW && state.row !== LOOP_ROW) this.#alarm(overdue, nowMs)
        else if (this.#isDue(state.row, nowMs - state.atMs)) this.#end(state.row, nowMs)
        return
      case 'asked':
        if (nowMs - state.atMs >= END_GRACE_MS) this.#force(state.row)
        return
      case 'ended':
        return
    }
  }

  /** Somebody looks at the process, which is not ended until this is disposed of, or `HOLD_MS_MAX` after it was due. */
  hold(): Disposable {
    this.#looking++
    return { [Symbol.dispose]: () => void this.#looking-- }
  }

  #isDue(row: number, alarmedMs: number): boolean {
    const afterMs = this.#exitAfterMs(row)
    return alarmedMs >= (this.#looking > 0 ? afterMs + HOLD_MS_MAX : afterMs)
  }

  #alarm(overdue: Overdue, nowMs: number): void {
    this.#state = { kind: 'alarmed', row: overdue.row, atMs: nowMs }
    this.#deps.table.overdueRow = overdue.row
    this.trouble = `stage ${this.#nameOf(overdue.row)} is past its deadline: busy for ${Math.round(overdue.busyMs)} ms`
    void this.#find(overdue)
  }

  /** Finds out what there is to know, says it, and writes it down. Nothing of it may keep the process from ending. */
  async #find(overdue: Overdue): Promise<void> {
    const { settings, logger, look, askAccount, report } = this.#deps
    const isBlocked = overdue.row === LOOP_ROW
    const reason = reasonOf(overdue.row)
    const view = isBlocked ? await look() : undefined
    const account = isBlocked ? parseAccount(view?.account) : ((await askAccount()) ?? null)
    const stages = account?.stages ?? this.stagesSeen()
    const stage = this.#nameOf(overdue.row)
    const own = stages.find((other) => other.stage === stage)
    const holder = own?.holders[0]?.holder ?? null
    const busyMs = Math.round(overdue.busyMs)
    const stack = view?.stack ?? null
    const message = isBlocked ? blockedMessage(busyMs, stages, stack) : stuckMessage(stage, busyMs, holder)
    if (this.trouble !== null) this.trouble = message
    const exit = { code: settings.exitCodes[reason], inMs: this.#exitAfterMs(overdue.row) }
    logger.error(isBlocked ? 'event_loop_blocked' : 'stage_stuck', message, { stage, busyMs, holder, stack, exit })
    await report({ reason, message, stage, busyMs, holder, stack, account, stages, exit })
  }

  #recover(row: number, alarmedMs: number): void {
    this.#state = { kind: 'watching' }
    this.#deps.table.overdueRow = -1
    this.trouble = null
    const message = `stage ${this.#nameOf(row)} goes on, ${Math.round(alarmedMs)} ms after it was found past its deadline`
    this.#deps.logger.warn('stage_recovered', message, { stage: this.#nameOf(row) })
  }

  #end(row: number, nowMs: number): void {
    const reason = reasonOf(row)
    const code = this.#deps.settings.exitCodes[reason]
    this.#deps.logger.error('process_ends', `stage ${this.#nameOf(row)} does not come back: this process ends with exit code ${code}`, {
      stage: this.#nameOf(row),
      code,
    })
    // Receivers may still be told to move, where somebody turns who can tell them.
    this.#state = row === LOOP_ROW ? this.#force(row) : { kind: 'asked', row, atMs: nowMs }
    if (row !== LOOP_ROW) this.#deps.askToEnd(reason)
  }

  #force(row: number): State {
    this.#state = { kind: 'ended' }
    void this.#deps.end(this.#deps.settings.exitCodes[reasonOf(row)])
    return this.#state
  }

  #exitAfterMs(row: number): number {
    return row === LOOP_ROW ? this.#deps.settings.loopExitAfterMs : this.#deps.settings.stageExitAfterMs
  }

  #nameOf(row: number): string {
    return row === LOOP_ROW ? 'event_loop' : (this.#deps.names.get(row) ?? `stage ${row}`)
  }

  /** What the table alone says, when the main thread says nothing. */
  stagesSeen(): StageAccount[] {
    const { table, names, nowMs } = this.#deps
    return [...names].map(([row, stage]) => ({
      stage,
      deadlineMs: table.deadlineMs(row),
      entries: table.entries(row),
      busyMs: table.sinceMs(row) === 0 ? null : Math.round(nowMs() - table.sinceMs(row)),
      holders: [],
    }))
  }
}

function reasonOf(row: number): FaultReason {
  return row === LOOP_ROW ? 'blocked' : 'stuck'
}

function stuckMessage(stage: string, busyMs: number, holder: string | null): string {
  return `stage ${stage} is past its deadline: busy for ${busyMs} ms, held by ${holder ?? 'nobody that is known'}`
}

function blockedMessage(busyMs: number, stages: readonly StageAccount[], stack: readonly string[] | null): string {
  const busy = stages.filter((stage) => stage.busyMs !== null).map(({ stage }) => stage)
  const within = busy.length === 0 ? '' : `, busy with ${busy.join(', ')}`
  const where = stack === null ? 'in native code or a system call, where it cannot be looked at' : `at ${ownFrame(stack)}`
  return `the event loop has been blocked for ${busyMs} ms ${where}${within}`
}

/** The innermost frame that is not inside Node itself: `at get performance (node:internal/…)` would tell nobody anything. */
function ownFrame(stack: readonly string[]): string | undefined {
  return stack.find((frame) => !/\(node:/.test(frame)) ?? stack[0]
}

function parseAccount(json: string | undefined): ProcessAccount | null {
  return json === undefined ? null : (JSON.parse(json) as ProcessAccount)
}
