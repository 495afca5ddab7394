import type { BreakAnswer } from '@pulsewire/console'

/** One way to break the demonstration, for real. */
export interface Break extends Omit<BreakAnswer, 'active'> {
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
