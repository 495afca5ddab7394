import { createHash } from 'node:crypto'

/** An operator's word on a token, or on all tokens of a user that were issued before it. */
export interface Revocation {
  readonly of: 'user' | 'jti'
  readonly name: string
  /** When it was said, Unix time of whoever said it, ms. */
  readonly atMs: number
  /** After that no token that it means is valid any more. */
  readonly untilMs: number
  /** Who said it, as they call themselves: for the audit. */
  readonly by?: string
}

/** What gateways ask, of each user and token. */
export interface Revocations {
  /** Grows with each change, so that sessions look again only then. */
  readonly version: number
  find(of: Revocation['of'], name: string): Revocation | undefined
}

export const NO_REVOCATIONS: Revocations = { version: 0, find: () => undefined }

/** Held at most. The command refuses to add more; of a topic that holds more all the same, those go that end first. */
export const REVOCATIONS_MAX = 100_000

/** Its key in the control topic: names of users may hold anything, and are nobody's business there. */
export function revocationKey(of: Revocation['of'], name: string): string {
  return createHash('sha256').update(`${of}:${name}`).digest('hex')
}

/** Those that the control topic holds. */
export class RevocationTable implements Revocations {
  version = 0
  /** By what they mean: sessions ask for it, all of them whenever one is added. */
  readonly #meant = new Map<string, Revocation>()
  /** By key, what it means. */
  readonly #keys = new Map<string, string>()

  get size(): number {
    return this.#meant.size
  }

  find(of: Revocation['of'], name: string): Revocation | undefined {
    return this.#meant.size === 0 ? undefined : this.#meant.get(`${of}:${name}`)
  }

  [Symbol.iterator](): Iterator<Revocation> {
    return this.#meant.values()
  }

  /** @returns the one that had to go for it. */
  set(key: string, revocation: Revocation): Revocation | undefined {
    this.version++
    const meant = `${revocation.of}:${revocation.name}`
    this.#keys.set(key, meant)
    this.#meant.set(meant, revocation)
    return this.#keys.size > REVOCATIONS_MAX ? this.#dropFirst() : undefined
  }

  remove(key: string): void {
    const meant = this.#keys.get(key)
    if (meant === undefined) return
    this.version++
    this.#keys.delete(key)
    this.#meant.delete(meant)
  }

  /** Keys of those that mean no valid token any more. */
  over(nowMs: number): string[] {
    return [...this.#keys].filter(([, meant]) => (this.#meant.get(meant)?.untilMs ?? 0) < nowMs).map(([key]) => key)
  }

  #dropFirst(): Revocation | undefined {
    const untilMs = ([, meant]: readonly [string, string]): number => this.#meant.get(meant)?.untilMs ?? 0
    const first = [...this.#keys].reduce((a, b) => (untilMs(b) < untilMs(a) ? b : a))
    const dropped = this.#meant.get(first[1])
    this.remove(first[0])
    return dropped
  }
}
