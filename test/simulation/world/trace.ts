/** What happened, for people. Costs nothing while off: lines are made by functions. */
export class Trace {
  readonly #nowMs: () => number
  readonly #lines: string[] = []
  readonly on: boolean

  constructor(on: boolean, nowMs: () => number) {
    this.on = on
    this.#nowMs = nowMs
  }

  say(who: string, what: () => string): void {
    if (this.on) this.#lines.push(`${this.#nowMs().toFixed(1).padStart(9)}  ${who.padEnd(12)} ${what()}`)
  }

  get lines(): readonly string[] {
    return this.#lines
  }
}
