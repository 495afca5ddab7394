import type { WatchLock } from './tab-host.ts'

/** The Web Locks of the platform; browsers show them to secure pages alone. */
function locks(): LockManager | undefined {
  return (globalThis as { readonly navigator?: { readonly locks?: LockManager } }).navigator?.locks
}

/** The browser gives the lock away when its holder is gone, whether it closed or crashed. */
export const watchLock: WatchLock = (name, gone) => {
  const abort = new AbortController()
  // Rejected when it is given up.
  locks()
    ?.request(name, { signal: abort.signal }, gone)
    .catch(() => {})
  return () => abort.abort()
}

/** Holds a lock of its own until `release`. @returns its name, once it is held; undefined where there are no locks. */
export async function holdLock(released: Promise<void>): Promise<string | undefined> {
  const manager = locks()
  if (manager === undefined) return undefined
  const name = `pulsewire-tab-${crypto.randomUUID()}`
  const held = Promise.withResolvers<string | undefined>()
  manager
    .request(name, () => {
      held.resolve(name)
      return released
    })
    .catch(() => held.resolve(undefined))
  return held.promise
}
