import type { Service } from '@pulsewire/server'

/** A log among the first services of a process: closed last, when nobody reads it any more. */
export function logService(log: { close(): Promise<void> }): Service {
  const closed = Promise.withResolvers<void>()
  const close = async (): Promise<void> => {
    await log.close()
    closed.resolve()
  }
  return { start: async () => {}, drain: async () => {}, close, closed: closed.promise, [Symbol.asyncDispose]: close }
}
