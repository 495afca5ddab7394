import { inspect } from 'node:util'

const REDACTED = '[redacted]'

/** A secret that cannot be printed by accident: text, JSON and `console.log` all show `[redacted]`. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The secret itself. Hand it on; never put it into a message. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}
