const KEY = 'pulsewire.token'

/** What the user gave for the gateway in this tab; it is forgotten with it, and never in the address of the page. */
export function loadToken(storage: Pick<Storage, 'getItem'>): string | undefined {
  try {
    return storage.getItem(KEY) ?? undefined
  } catch {
    // Storage may be forbidden.
    return undefined
  }
}

/** @returns false when it could not be kept. */
export function saveToken(storage: Pick<Storage, 'setItem' | 'removeItem'>, token: string): boolean {
  try {
    if (token === '') storage.removeItem(KEY)
    else storage.setItem(KEY, token)
    return true
  } catch {
    return false
  }
}
