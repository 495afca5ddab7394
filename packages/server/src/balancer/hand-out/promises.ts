/** Clients that are remembered at once; the oldest go first. */
const CLIENTS_MAX = 100_000

export interface Promised {
  readonly node: string
  /** When the client was told to connect. */
  readonly atMs: number
}

/**
 * What clients that still wait for their moment were promised. One that asks again meanwhile gets the same, so that impatience
 * neither costs a client its place nor takes two.
 */
export class Promises {
  readonly #byClient = new Map<string, Promised>()

  keep(client: string, promised: Promised, nowMs: number): void {
    this.#byClient.delete(client)
    if (promised.atMs <= nowMs) return
    this.#byClient.set(client, promised)
    if (this.#byClient.size > CLIENTS_MAX) this.#byClient.delete(this.#byClient.keys().next().value!)
  }

  /** What the client was promised, if its moment is still to come. */
  of(client: string, nowMs: number): Promised | undefined {
    const promised = this.#byClient.get(client)
    if (promised === undefined || promised.atMs > nowMs) return promised
    this.#byClient.delete(client)
    return undefined
  }

  /** Lets go of those whose moment has come. */
  sweep(nowMs: number): void {
    for (const [client, { atMs }] of this.#byClient) if (atMs <= nowMs) this.#byClient.delete(client)
  }
}
