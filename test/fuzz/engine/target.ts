import type { Input } from './input.ts'

/** Something that takes bytes from strangers. */
export interface Target {
  readonly name: string
  /** Part of all inputs that it gets, beside the other targets'. */
  readonly weight: number
  /** Where mutation begins. */
  readonly seeds: readonly Input[]
  /**
   * Gives it the input, and looks at what must hold afterwards. Knows nothing of earlier inputs.
   * @throws whatever, when something does not hold: that is a finding.
   */
  run(input: Input): void | Promise<void>
}
