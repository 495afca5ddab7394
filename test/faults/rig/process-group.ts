import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** Processes of one program that share a task: each gets its part of it first, and answers one question at a time. */
export class ProcessGroup<Order extends object, Question extends object, Answer> implements AsyncDisposable {
  readonly #processes: ChildProcess[]

  /** @param execArgv arguments of Node for each of them. */
  constructor(main: URL, orders: readonly Order[], execArgv: readonly string[] = []) {
    this.#processes = orders.map((order) => {
      const child = fork(main, { execArgv: [...process.execArgv, ...execArgv] })
      child.send(order)
      return child
    })
  }

  /** By process. @throws Error one of them is gone */
  ask(question: Question): Promise<Answer[]> {
    return Promise.all(
      this.#processes.map(async (child) => {
        const asked = new AbortController()
        const { signal } = asked
        const answer = once(child, 'message', { signal })
        const gone = once(child, 'exit', { signal }).then(([code, by]) => {
          throw new Error(`a process with clients ended (${code ?? by})`)
        })
        // Of the two, the other is given up.
        for (const promise of [answer, gone]) promise.catch(() => {})
        child.send(question)
        try {
          return (await Promise.race([answer, gone]))[0] as Answer
        } finally {
          asked.abort()
        }
      }),
    )
  }

  /** To all, without an answer. */
  tell(what: object): void {
    for (const child of this.#processes) if (child.connected) child.send(what)
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
}

/** Of `total`, what each of so many gets: as equal as can be. */
export function shares(total: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor((total * (i + 1)) / count) - Math.floor((total * i) / count))
}
