import type { CrowdOrder, CrowdQuestion, CrowdReport } from '../crowd/crowd-process.ts'
import { ProcessGroup, shares } from './process-group.ts'

const MAIN = new URL('../crowd/crowd-process.ts', import.meta.url)

/** Many clients, in processes of their own, so that they are no burden to the recorder. */
export class Crowd implements AsyncDisposable {
  readonly #group: ProcessGroup<CrowdOrder, CrowdQuestion, CrowdReport>

  /**
   * @param processes among which the clients are divided.
   * @param execArgv arguments of Node for each of them.
   */
  constructor(order: CrowdOrder, processes: number, execArgv: readonly string[] = []) {
    const orders = shares(order.clients, processes).map((clients) => ({ ...order, clients, perSecond: order.perSecond / processes }))
    this.#group = new ProcessGroup(MAIN, orders, execArgv)
  }

  report(): Promise<CrowdReport> {
    return this.#ask({ ask: 'report' })
  }

  /** What counts begins now; attempts at this address, which is about to die, do not. */
  mark(dead: string): Promise<CrowdReport> {
    return this.#ask({ ask: 'mark', dead })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#group[Symbol.asyncDispose]()
  }

  async #ask(question: CrowdQuestion): Promise<CrowdReport> {
    const answers = await this.#group.ask(question)
    return answers.reduce((sum, each) => ({
      live: sum.live + each.live,
      servedBy: addedUp(sum.servedBy, each.servedBy),
      struck: sum.struck + each.struck,
      lastLiveAtMs: Math.max(sum.lastLiveAtMs, each.lastLiveAtMs),
      refusedTwice: [...sum.refusedTwice, ...each.refusedTwice],
      errors: addedUp(sum.errors, each.errors),
    }))
  }
}

function addedUp(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)]))
}
