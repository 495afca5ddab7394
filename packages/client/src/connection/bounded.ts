import type { Clock } from '../clock.ts'

/** Rejects with `error()` when the promise takes longer. A hook of the application must not hold the client up. */
export function bounded<T>(promise: Promise<T>, timeoutMs: number, clock: Clock, error: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => reject(error()))
    promise.then(resolve, reject).finally(() => timer.cancel())
  })
}
