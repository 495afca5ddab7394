import { ProcessGroup, shares } from '../rig/process-group.ts'
import type { SoakOrder, SoakQuestion, SoakReport } from './crowd-process.ts'
import type { TruthPoint } from './recent-truth.ts'

const MAIN = new URL('./crowd-process.ts', import.meta.url)

/** The clients of a soak, in processes of their own. */
export class SoakCrowd implements AsyncDisposable {
  readonly #group: ProcessGroup<SoakOrder, SoakQuestion, SoakReport>

  constructor(order: SoakOrder, processes: number) {
    let first = order.first
    const orders = shares(order.clients, processes).map((clients) => {
      const own = { ...order, clients, first, perSecond: order.perSecond / processes }
      first += clients
      return own
    })
    this.#group = new ProcessGroup(MAIN, orders)
  }

  /** What is in the log by now. */
  truth(truth: TruthPoint): void {
    this.#group.tell({ truth })
  }

  async ask(ask: SoakQuestion['ask']): Promise<SoakReport> {
    const answers = await this.#group.ask({ ask })
    return {
      live: sum(answers, ({ live }) => live),
      seconds: answers.flatMap(({ seconds }) => seconds),
      gaps: sum(answers, ({ gaps }) => gaps),
      wrong: sum(answers, ({ wrong }) => wrong),
      wrongMessages: answers.flatMap(({ wrongMessages }) => wrongMessages),
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#group[Symbol.asyncDispose]()
  }
}

function sum(reports: readonly SoakReport[], of: (report: SoakReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0)
}
