import {
  AskDesk,
  joinDesks,
  type Logger,
  type OperatorConfig,
  processAnswers,
  systemClock,
  VERSION,
  type Watchdog,
} from '@pulsewire/server'

/** Where the nodes of this process take questions of operators. */
export class Desks {
  readonly #watchdog: Watchdog | null
  readonly #logger: Logger
  readonly #desks: AskDesk[] = []

  constructor(watchdog: Watchdog | null, logger: Logger) {
    this.#watchdog = watchdog
    this.#logger = logger
  }

  /** One for this node; nothing where no operator secret is configured. */
  of({ node, operator }: { readonly node: { readonly id: string }; readonly operator: OperatorConfig }): { readonly desk?: AskDesk } {
    const { secret } = operator
    if (secret === undefined) return {}
    const desk = new AskDesk({ node: node.id, secret, clock: systemClock, logger: this.#logger.child({ nodeId: node.id }) })
    const watchdog = this.#watchdog
    const answers = processAnswers({
      account: () => watchdog?.account() ?? null,
      reports: watchdog?.reportsPlace ?? null,
      version: VERSION,
    })
    for (const [question, answer] of answers) desk.answers.set(question, answer)
    this.#desks.push(desk)
    return { desk }
  }

  /** Lets the nodes here, which have no connection to each other, pass questions on. */
  join(): void {
    const [first, ...rest] = this.#desks
    for (const desk of rest) joinDesks(first!, desk, systemClock)
  }
}
