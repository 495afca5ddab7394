import { Session, type Debugger } from 'node:inspector'

/** How the main thread's account of itself is reached while it is held still. */
export const ACCOUNT_KEY = 'pulsewire.watchdog.account'
/** A main thread that runs JavaScript answers in some ten milliseconds, on a crowded machine in seconds; in native code never. */
const LOOK_ANSWER_MS = 2500
/** Ending must not wait that long: a signal does it as well. */
const EXIT_ANSWER_MS = 1500
/** Node waits for inspectors to leave before it ends. */
const LEAVE_AFTER_MS = 100
const FRAMES_MAX = 50

export interface MainThreadView {
  /** Innermost first: `name (file:line:column)`. */
  readonly stack: readonly string[]
  /** What the process says of itself, as JSON. */
  readonly account: string | undefined
}

/**
 * The main thread, as another thread can reach it through V8's inspector. That works while it runs JavaScript, in a
 * tight loop too, because V8 looks for interrupts there; it does not while the thread sits in a system call or in
 * native code.
 */
export class MainThread {
  #looking: Promise<MainThreadView | undefined> = Promise.resolve(undefined)

  /** Holds it still for some milliseconds and looks, one look after the other. @returns undefined when it cannot be held. */
  look(): Promise<MainThreadView | undefined> {
    this.#looking = this.#looking.then(() => this.#look())
    return this.#looking
  }

  #look(): Promise<MainThreadView | undefined> {
    return this.#held(LOOK_ANSWER_MS, async (frames, evaluate) => ({
      stack: frames.slice(0, FRAMES_MAX).map(describeFrame),
      account: await evaluate(`globalThis[Symbol.for(${JSON.stringify(ACCOUNT_KEY)})]?.()`),
    }))
  }

  /** Ends the process from within, the only way that keeps an exit code. @returns when that did not work. */
  async exit(code: number): Promise<void> {
    await this.#held(EXIT_ANSWER_MS, async (_frames, evaluate) => {
      await evaluate(`globalThis.process.reallyExit(${code})`)
    })
  }

  async #held<T>(
    answerMs: number,
    look: (frames: readonly Debugger.CallFrame[], evaluate: (expression: string) => Promise<string | undefined>) => Promise<T>,
  ): Promise<T | undefined> {
    const session = new Session()
    try {
      session.connectToMainThread()
      const paused = Promise.withResolvers<readonly Debugger.CallFrame[]>()
      session.once('Debugger.paused', ({ params }) => paused.resolve(params.callFrames))
      // Frames name their script by id alone.
      const scripts = new Map<string, string>()
      session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params.url))
      session.post('Debugger.enable')
      session.post('Debugger.pause')
      const frames = await within(answerMs, paused.promise)
      if (frames === undefined) return undefined
      const named = frames.map((frame) => ({ ...frame, url: frame.url || (scripts.get(frame.location.scriptId) ?? '') }))
      // In some functions of Node itself an expression does not see what we keep for it.
      const frame = named.find(({ url }) => !url.startsWith('node:')) ?? named[0]
      return frame === undefined ? undefined : await look(named, (expression) => evaluateOn(session, frame.callFrameId, expression))
    } catch {
      return undefined
    } finally {
      // Leaving lets it go on.
      session.disconnect()
    }
  }
}

function evaluateOn(session: Session, callFrameId: string, expression: string): Promise<string | undefined> {
  const answer = new Promise<string | undefined>((resolve) => {
    session.post('Debugger.evaluateOnCallFrame', { callFrameId, expression, returnByValue: true, silent: true }, (error, result) => {
      resolve(error === null && typeof result.result.value === 'string' ? result.result.value : undefined)
    })
  })
  return expression.includes('reallyExit') ? within(LEAVE_AFTER_MS, answer) : within(EXIT_ANSWER_MS, answer)
}

function describeFrame({ functionName, url, location }: Debugger.CallFrame): string {
  return `${functionName || '(anonymous)'} (${url || 'native'}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1})`
}

function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), deadlineMs)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
