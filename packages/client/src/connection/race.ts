import type { Timer } from '../clock.ts'
import type { Environment } from '../environment.ts'
import type { PulsewireError } from '../errors.ts'
import type { Session } from './session.ts'

/**
 * One attempt to connect. When the first address takes its time, a second one is tried beside it; whoever is welcomed
 * first wins, and the other is left.
 */
export class Race {
  /** Why one of them must not be tried again as we are, if any said so. */
  refusal: { readonly session: Session; readonly error: PulsewireError } | undefined
  readonly #sessions = new Set<Session>()
  readonly #timer: Timer

  /**
   * @param second opens the second connection, where there is another address.
   * @param afterMs how long the first has for itself.
   */
  constructor(first: Session, second: (taken: string) => Session | undefined, afterMs: number, clock: Environment['clock']) {
    this.#sessions.add(first)
    this.#timer = clock.after(afterMs, () => {
      const session = second(first.url)
      if (session !== undefined) this.#sessions.add(session)
    })
  }

  has(session: Session): boolean {
    return this.#sessions.has(session)
  }

  /** Which is left of the others. @returns the addresses that were slower. */
  won(winner: Session): string[] {
    this.#sessions.delete(winner)
    const slower = [...this.#sessions].map(({ url }) => url)
    this.cancel()
    return slower
  }

  /** One is out. @returns whether nobody is left. */
  lost(session: Session): boolean {
    this.#sessions.delete(session)
    if (this.#sessions.size > 0) return false
    this.#timer.cancel()
    return true
  }

  cancel(): void {
    this.#timer.cancel()
    for (const session of this.#sessions) session.leave()
    this.#sessions.clear()
  }
}
