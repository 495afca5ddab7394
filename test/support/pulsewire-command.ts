import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const COMMAND_MS = 90_000

/** A command of `pulsewire` as an operator runs it. */
export class PulsewireCommand {
  readonly child: ChildProcess
  /** What it printed, to either output. */
  readonly lines: string[] = []
  /** `null` when a signal ended it. */
  readonly code: Promise<number | null>
  readonly #waiting = new Set<() => void>()

  /** @param by the runtime, and the module that it is to run; default: this one, and the command's source. */
  constructor(args: readonly string[], { node = process.execPath, main = MAIN }: { readonly node?: string; readonly main?: string } = {}) {
    this.child = spawn(node, [main, ...args], { timeout: COMMAND_MS, stdio: ['ignore', 'pipe', 'pipe'] })
    const { child } = this
    for (const input of [child.stdout!, child.stderr!]) {
      createInterface({ input }).on('line', (line) => {
        this.lines.push(line)
        for (const look of this.#waiting) look()
      })
    }
    this.code = once(child, 'close').then(([code]) => code as number | null)
  }

  get output(): string {
    return this.lines.join('\n')
  }

  /** Resolves with the line. @throws Error when the command ends without it. */
  async line(which: RegExp): Promise<string> {
    const found = () => this.lines.find((line) => which.test(line))
    const come = Promise.withResolvers<void>()
    const look = () => void (found() !== undefined && come.resolve())
    this.#waiting.add(look)
    look()
    await Promise.race([come.promise, this.code])
    this.#waiting.delete(look)
    assert.ok(found() !== undefined, `${which} did not come:\n${this.output}`)
    return found()!
  }

  /** @returns what it printed. @throws Error unless it ends well. */
  async ends(): Promise<string> {
    assert.equal(await this.code, 0, this.output)
    return this.output
  }

  /** SIGKILL, as soon as this line has come. */
  async killedAt(which: RegExp): Promise<void> {
    await this.line(which)
    this.child.kill('SIGKILL')
    await this.code
  }
}
