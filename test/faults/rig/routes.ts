import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { preloaded } from './preload.ts'

/** The variable in which `preload/routes.ts` finds the file. */
const FILE = 'ROUTES_OF_TEST'

/**
 * Leads what one process connects to through proxies that nobody told it of: a push node's lease names one address, and
 * each of its links is to have a proxy of its own.
 */
export class Routes implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'pulsewire-routes-'))
  readonly #file = join(this.#directory, 'routes.json')

  constructor() {
    this.lead(new Map())
  }

  /** From its next connection on. @param ports of loopback, each with the one that is connected to instead */
  lead(ports: ReadonlyMap<number, number>): void {
    writeFileSync(this.#file, JSON.stringify(Object.fromEntries(ports)))
  }

  /** Environment of the process, beside another one. */
  env(beside: Readonly<Record<string, string>>): Record<string, string> {
    return { ...beside, ...preloaded('routes', beside), [FILE]: this.#file }
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
