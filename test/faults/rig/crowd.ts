import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { CrowdOrder, CrowdQuestion, CrowdReport } from '../crowd/crowd-process.ts'

const MAIN = new URL('../crowd/crowd-process.ts', import.meta.url)

/** Many clients, in processes of their own, so that they are no burden to the recorder. */
export class Crowd implements AsyncDisposable {
  readonly #processes: ChildProcess[]

  /** @param processes among which the clients are divided. */
  constructor(order: CrowdOrder, processes: number) {
    const share = (i: number) => Math.floor((order.clients * (i + 1)) / processes) - Math.floor((order.clients * i) / processes)
    this.#processes = Array.from({ length: processes }, (_, i) => {
      const child = fork(MAIN)
      child.send({ ...order, clients: share(i), perSecond: order.perSecond / processes } satisfies CrowdOrder)
      return child
    })
  }

  report(): Promise<CrowdReport> {
    return this.#ask({ ask: 'report' })
  }

  /** What counts begins now; attempts at this address, which is about to die, do not. */
  mark(dead: string): Promise<CrowdReport> {
    return this.#ask({ ask: 'mark', dead })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const exited = once(child, 'exit')
        child.kill('SIGKILL')
        await exited
      }),
    )
  }

  async #ask(question: CrowdQuestion): Promise<CrowdReport> {
    const answers = await Promise.all(
      this.#processes.map(async (child) => {
        const answer = once(child, 'message')
        child.send(question)
        return (await answer)[0] as CrowdReport
      }),
    )
    return answers.reduce((sum, each) => ({
      live: sum.live + each.live,
      servedBy: addedUp(sum.servedBy, each.servedBy),
      struck: sum.struck + each.struck,
      lastLiveAtMs: Math.max(sum.lastLiveAtMs, each.lastLiveAtMs),
      refusedTwice: [...sum.refusedTwice, ...each.refusedTwice],
    }))
  }
}

function addedUp(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)]))
}
