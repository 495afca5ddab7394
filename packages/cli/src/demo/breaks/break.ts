/** One way to break the demonstration, for real. */
export interface Break {
  readonly id: string
  readonly title: string
  /** What is done, in a sentence. */
  readonly does: string
  /** What is to be seen then. */
  readonly watch: string
  /** To whom, or what, it can be done; the first is proposed. */
  readonly targets: readonly string[]
  /** Word on the button. */
  readonly act: string
  /** Word on the button that undoes it; `null`: it heals by itself. */
  readonly undo: string | null
  /** By then it is undone, so that a demonstration that is left alone recovers. */
  readonly healsAfterMs: number
  /** Does it. @returns how to undo it, and when it has healed by itself. @throws Error why it cannot be done now. */
  begin(target: string): Promise<Begun>
}

export interface Begun {
  /** Undoes it. Called once, however it ends. */
  end(): Promise<void> | void
  /** Resolves when it is over by itself. */
  readonly healed?: Promise<void>
}

/** Of an order that cannot be carried out. */
export class BreakRefused extends Error {}
