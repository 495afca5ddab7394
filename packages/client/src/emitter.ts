import { obtain } from './obtain.ts'

/** Listeners by event name. A listener that throws neither stops the others nor the caller. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()
  readonly #onThrown: (error: unknown) => void

  /** @param onThrown takes what a listener threw. */
  constructor(onThrown: (error: unknown) => void) {
    this.#onThrown = onThrown
  }

  /** @returns a function that takes the listener away again. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listeners = obtain(this.#listeners, name, () => new Set<(event: never) => void>())
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  /** @returns whether anybody listened. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): boolean {
    const listeners = this.#listeners.get(name)
    if (listeners === undefined || listeners.size === 0) return false
    for (const listener of [...listeners] as ((event: Events[Name]) => void)[]) {
      try {
        listener(event)
      } catch (error) {
        this.#onThrown(error)
      }
    }
    return true
  }
}
