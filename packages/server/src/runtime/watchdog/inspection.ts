import { type Debugger, type Profiler, Session } from 'node:inspector'

/** Sessions with V8's inspector of the main thread, whose every answer is waited for only so long: in native code none comes. */
export class Inspection implements Disposable {
  readonly session = new Session()

  constructor() {
    this.session.connectToMainThread()
  }

  /** @returns the answer; `undefined`: none came in time. @throws Error of the inspector. */
  post<T extends object = object>(answerMs: number, method: string, params: object = {}): Promise<T | undefined> {
    const answer = new Promise<T>((resolve, reject) => {
      this.session.post(method, params, (error, result) => (error === null ? resolve((result ?? {}) as T) : reject(error)))
    })
    return within(answerMs, answer)
  }

  /** Holds the main thread still until this is disposed of. @returns where it stands, innermost first; `undefined`: it cannot be held. */
  async hold(answerMs: number): Promise<readonly Debugger.CallFrame[] | undefined> {
    const paused = Promise.withResolvers<readonly Debugger.CallFrame[]>()
    this.session.once('Debugger.paused', ({ params }) => paused.resolve(params.callFrames))
    // Frames name their script by id alone.
    const scripts = new Map<string, string>()
    this.session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params.url))
    this.session.post('Debugger.enable')
    this.session.post('Debugger.pause')
    const frames = await within(answerMs, paused.promise)
    return frames?.map((frame) => ({ ...frame, url: frame.url || (scripts.get(frame.location.scriptId) ?? '') }))
  }

  /** @returns `undefined`: the main thread looks for no interrupts, so it is in native code or a system call. */
  async startProfile(answerMs: number, intervalUs: number): Promise<(() => Promise<Profiler.Profile | undefined>) | undefined> {
    // In one go, so that one that does not answer is waited for once.
    const steps = [
      this.post(answerMs, 'Profiler.enable'),
      this.post(answerMs, 'Profiler.setSamplingInterval', { interval: intervalUs }),
      this.post(answerMs, 'Profiler.start'),
    ]
    const started = await Promise.all(steps)
    if (started.includes(undefined)) return undefined
    return async () => (await this.post<Profiler.StopReturnType>(answerMs, 'Profiler.stop'))?.profile
  }

  /** Lets the main thread go on. */
  [Symbol.dispose](): void {
    this.session.disconnect()
  }
}

export function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), deadlineMs)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
