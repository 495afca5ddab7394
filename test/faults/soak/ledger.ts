import type { Span } from '../../support/checker/spans.ts'

/** What the clients of one process were in one second. */
export interface SecondCount {
  /** When they were looked at, steady time. */
  readonly atMs: number
  readonly clients: number
  /** Those that said that something they show is not live, by the gateway that served them when they began to. */
  readonly flagged: Readonly<Record<string, number>>
  /** What they said of it, such as `no_pulse at gw-1`, and how many. */
  readonly said: Readonly<Record<string, number>>
  /** Those that said of all they show that it is live, and something of it was not true any more. */
  readonly lied: number
  /** The process itself did not get its turn, and cannot tell. */
  readonly isVoid: boolean
}

/** A time in which a fault allows clients to be flagged. */
export interface FlaggedWindow extends Span {
  readonly why: string
  /** Whose clients; `null`: everybody's. */
  readonly gateway: string | null
}

/** All in client-seconds. */
export interface Account {
  readonly all: number
  /** Not counted below: those of a process that could not tell. */
  readonly void: number
  /** Flagged, as a fault allows. */
  readonly excused: number
  /** Flagged, and nothing allows it. */
  readonly unexcused: number
  readonly lied: number
  /** Of those that no fault excuses, the part that was live and true. */
  readonly freshShare: number
  /** When most were flagged without excuse, and what they said. */
  readonly worst: { readonly atMs: number; readonly clients: number; readonly said: Readonly<Record<string, number>> } | null
}

/** Counts what was fresh outside of the windows that faults open. */
export class Ledger {
  readonly #seconds: SecondCount[] = []
  readonly #windows: FlaggedWindow[] = []

  add(seconds: readonly SecondCount[]): void {
    for (const second of seconds) this.#seconds.push(second)
  }

  open(window: FlaggedWindow): void {
    this.#windows.push(window)
  }

  account(): Account {
    let [all, isVoid, excused, unexcused, lied] = [0, 0, 0, 0, 0]
    let worst: Account['worst'] = null
    for (const second of this.#seconds) {
      all += second.clients
      if (second.isVoid) {
        isVoid += second.clients
        continue
      }
      lied += second.lied
      let bare = 0
      for (const [gateway, clients] of Object.entries(second.flagged)) {
        if (this.#isExcused(second.atMs, gateway)) excused += clients
        else bare += clients
      }
      unexcused += bare
      if (bare > (worst?.clients ?? 0)) worst = { atMs: second.atMs, clients: bare, said: second.said }
    }
    const expected = all - isVoid - excused
    const freshShare = expected === 0 ? 0 : (expected - unexcused - lied) / expected
    return { all, void: isVoid, excused, unexcused, lied, freshShare, worst }
  }

  #isExcused(atMs: number, at: string): boolean {
    return this.#windows.some(({ gateway, fromMs, untilMs }) => (gateway === null || gateway === at) && fromMs <= atMs && atMs <= untilMs)
  }
}
