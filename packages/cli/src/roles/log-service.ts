import type { Log, Service } from '@pulsewire/server'

/** The log as the first service of a process: closed last, when nobody reads it any more. */
export function logService(log: Log): Service {
  const closed = Promise.withResolvers<void>()
  const close = async (): Promise<void> => {
    await log.close()
    closed.resolve()
  }
  return { start: async () => {}, drain: async () => {}, close, closed: closed.promise, [Symbol.asyncDispose]: close }
}
