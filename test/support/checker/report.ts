/** A promise that was broken: which, and what shows it. */
export class Violation extends Error {
  /** Short name of the rule, such as `P1` or `order`. */
  readonly rule: string
  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`)
    this.name = 'Violation'
    this.rule = rule
  }
}

/** Takes violations as they are found; checks are called from within the code under test, where throwing would be caught. */
export type Report = (rule: string, message: string) => void
