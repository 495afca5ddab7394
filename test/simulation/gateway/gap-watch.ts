import type { Report } from '../../support/checker/report.ts'

/** A record that a link brought, as the first of that record on its session. */
interface Brought {
  readonly node: string
  readonly index: number
  readonly at: number
  /** Since when the link had covered the symbol without interruption; `null`: it had not. */
  readonly coveringSince: number | null
}

/** Records of a symbol that a receiver was told it will not get: those between two that it was given. */
interface Gap {
  readonly receiver: string
  readonly after: number
  readonly before: number
}

class WatchedSymbol {
  /** By index of the record, when a link first brought it. */
  readonly firstAt = new Map<number, number>()
  readonly brought: Brought[] = []
  readonly gaps: Gap[] = []
}

/**
 * No needless gap: what a gateway tells is lost, no link that had covered the symbol all along may bring afterwards. Times
 * are numbers of what has happened, because much happens within one instant.
 */
export class GapWatch {
  #now = 0
  readonly #symbols = new Map<string, WatchedSymbol>()
  readonly #report: Report

  constructor(report: Report) {
    this.#report = report
  }

  /** Something happens. @returns its number. */
  tick(): number {
    return ++this.#now
  }

  brought(symbol: string, brought: Brought): void {
    const watched = this.#of(symbol)
    if (!watched.firstAt.has(brought.index)) watched.firstAt.set(brought.index, brought.at)
    watched.brought.push(brought)
    for (const gap of watched.gaps) this.#check(symbol, watched, gap, brought)
  }

  /** A receiver was told of a gap between two records that it was given. */
  told(symbol: string, gap: Gap): void {
    const watched = this.#of(symbol)
    watched.gaps.push(gap)
    for (const brought of watched.brought) this.#check(symbol, watched, gap, brought)
  }

  /**
   * The gateway took the record behind the gap at some moment between the first link bringing it and the receiver being
   * given it. Who covered before the first and still brings what lies between afterwards was to be waited for.
   */
  #check(symbol: string, { firstAt }: WatchedSymbol, gap: Gap, { node, index, at, coveringSince }: Brought): void {
    const takenAfter = firstAt.get(gap.before)!
    if (index <= gap.after || index >= gap.before || at < takenAfter) return
    if (coveringSince === null || coveringSince > takenAfter) return
    this.#report(
      'needless gap',
      `${gap.receiver} was told that records ${gap.after + 1} to ${gap.before - 1} of ${symbol} are lost; ${node}, which covered it all along, brings record ${index}`,
    )
  }

  #of(symbol: string): WatchedSymbol {
    let watched = this.#symbols.get(symbol)
    if (watched === undefined) this.#symbols.set(symbol, (watched = new WatchedSymbol()))
    return watched
  }
}
