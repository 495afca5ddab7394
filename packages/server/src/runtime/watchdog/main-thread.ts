import type { Debugger, Profiler } from 'node:inspector'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Inspection, within } from './inspection.ts'
import { snapshotRefusal } from './answer-limits.ts'

/** How the main thread's account of itself is reached while it is held still. */
export const ACCOUNT_KEY = 'pulsewire.watchdog.account'
/** A main thread that runs JavaScript answers in some ten milliseconds, on a crowded machine in seconds; in native code never. */
const LOOK_ANSWER_MS = 2500
/** Ending must not wait that long: a signal does it as well. */
const EXIT_ANSWER_MS = 1500
/** Node waits for inspectors to leave before it ends. */
const LEAVE_AFTER_MS = 100
const FRAMES_MAX = 50
/** Of a CPU profile. */
const SAMPLE_INTERVAL_US = 1000
/** V8 needs about a second per 256 MB, and cannot be stopped. */
const SNAPSHOT_MS_MAX = 60_000

export interface MainThreadView {
  /** Innermost first: `name (file:line:column)`. */
  readonly stack: readonly string[]
  /** What the process says of itself, as JSON. */
  readonly account: string | undefined
}

export type HeapAnswer = { readonly stream: Readable } | { readonly refusal: string }

/**
 * The main thread, as another thread can reach it through V8's inspector. That works while it runs JavaScript, in a
 * tight loop too, because V8 looks for interrupts there; it does not while the thread sits in a system call or in
 * native code.
 */
export class MainThread {
  #holding: Promise<unknown> = Promise.resolve()

  /** Holds it still for some milliseconds and looks. @returns undefined when it cannot be held. */
  look(): Promise<MainThreadView | undefined> {
    return this.#inTurn(() =>
      held(LOOK_ANSWER_MS, async (frames, inspection) => {
        const account = `globalThis[Symbol.for(${JSON.stringify(ACCOUNT_KEY)})]?.()`
        return { stack: frames.slice(0, FRAMES_MAX).map(describeFrame), account: await evaluateOn(inspection, frames, account) }
      }),
    ).catch(() => undefined)
  }

  /** Samples where it is, while it goes on. @returns undefined when it is in native code at the beginning or the end. */
  async profile(seconds: number): Promise<Profiler.Profile | undefined> {
    using inspection = new Inspection()
    const stop = await inspection.startProfile(LOOK_ANSWER_MS, SAMPLE_INTERVAL_US)
    if (stop === undefined) return undefined
    await sleep(seconds * 1000)
    return await stop()
  }

  /**
   * Holds it still and takes a snapshot of its heap, which V8 takes of no thread that is not. V8 waits for nobody, so what
   * is not yet read of the stream is in memory; the limit bounds that.
   *
   * @returns undefined when it cannot be held.
   */
  heapSnapshot(limitMb: number): Promise<HeapAnswer | undefined> {
    const stream = new Readable({ read() {} })
    return new Promise((resolve, reject) => {
      const taken = this.#inTurn(() =>
        held(LOOK_ANSWER_MS, async (_frames, inspection) => {
          const usage = await inspection.post<{ readonly usedSize: number }>(LOOK_ANSWER_MS, 'Runtime.getHeapUsage')
          const refusal = usage === undefined ? undefined : snapshotRefusal(usage.usedSize, limitMb)
          if (usage === undefined) return
          if (refusal !== undefined) return resolve({ refusal })
          inspection.session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => stream.push(params.chunk))
          resolve({ stream })
          if ((await inspection.post(SNAPSHOT_MS_MAX, 'HeapProfiler.takeHeapSnapshot')) === undefined)
            throw new Error(`V8 has not finished the snapshot in ${SNAPSHOT_MS_MAX} ms`)
          stream.push(null)
        }),
      )
      taken.then(
        () => resolve(undefined),
        (error: Error) => {
          stream.destroy(error)
          reject(error)
        },
      )
    })
  }

  /** Ends the process from within, the only way that keeps an exit code. @returns when that did not work. */
  async exit(code: number): Promise<void> {
    await held(EXIT_ANSWER_MS, async (frames, inspection) => {
      await within(LEAVE_AFTER_MS, evaluateOn(inspection, frames, `globalThis.process.reallyExit(${code})`))
    }).catch(() => {})
  }

  /** One after the other, whatever becomes of those before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#holding.then(work)
    this.#holding = turn.catch(() => {})
    return turn
  }
}

/** What is done while it is held still. @returns undefined when it cannot be held. */
async function held<T>(
  answerMs: number,
  work: (frames: readonly Debugger.CallFrame[], inspection: Inspection) => Promise<T>,
): Promise<T | undefined> {
  using inspection = new Inspection()
  const frames = await inspection.hold(answerMs)
  return frames === undefined || frames.length === 0 ? undefined : await work(frames, inspection)
}

/** In some functions of Node itself an expression does not see what we keep for it, so it is evaluated in one of our own. */
async function evaluateOn(inspection: Inspection, frames: readonly Debugger.CallFrame[], expression: string): Promise<string | undefined> {
  const frame = frames.find(({ url }) => !url.startsWith('node:')) ?? frames[0]
  const params = { callFrameId: frame?.callFrameId, expression, returnByValue: true, silent: true }
  const answer = await inspection.post<Debugger.EvaluateOnCallFrameReturnType>(EXIT_ANSWER_MS, 'Debugger.evaluateOnCallFrame', params)
  return typeof answer?.result.value === 'string' ? answer.result.value : undefined
}

function describeFrame({ functionName, url, location }: Debugger.CallFrame): string {
  return `${functionName || '(anonymous)'} (${url || 'native'}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1})`
}
