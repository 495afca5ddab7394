import { AskDesk, type Directory, joinDesks, type Logger, type OperatorConfig, systemClock, type Watchdog } from '@pulsewire/server'
import { answersOf } from './start-watchdog.ts'

/** Where the nodes of this process take questions of operators. */
export class Desks {
  readonly #watchdog: Watchdog | null
  readonly #logger: Logger
  readonly #desks: AskDesk[] = []
  /** Names the watchdogs of other nodes; absent without leases. */
  directory: Directory | undefined

  constructor(watchdog: Watchdog | null, logger: Logger) {
    this.#watchdog = watchdog
    this.#logger = logger
  }

  /** One for this node; nothing where no operator secret is configured. */
  of({ node, operator }: { readonly node: { readonly id: string }; readonly operator: OperatorConfig }): { readonly desk?: AskDesk } {
    const { secret } = operator
    if (secret === undefined) return {}
    const desk = new AskDesk({
      node: node.id,
      secret,
      clock: systemClock,
      logger: this.#logger.child({ nodeId: node.id }),
      watchdogOf: (other) => this.directory?.nodes.get(other)?.lease.watchdog,
    })
    for (const [question, answer] of answersOf(this.#watchdog)) desk.answers.set(question, answer)
    this.#desks.push(desk)
    return { desk }
  }

  /** Lets the nodes here, which have no connection to each other, pass questions on. */
  join(): void {
    const [first, ...rest] = this.#desks
    for (const desk of rest) joinDesks(first!, desk, systemClock)
  }
}
