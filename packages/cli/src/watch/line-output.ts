import { once } from 'node:events'
import type { Terminal } from './table-view.ts'

/** Writes lines as fast as their reader takes them. A reader that goes away (`| head`) is an end like any other. */
export class LineOutput {
  readonly #stream: Terminal
  readonly #closed = Promise.withResolvers<void>()
  #isClosed = false

  constructor(stream: Terminal) {
    this.#stream = stream
    stream.on('error', () => this.#end())
    stream.once('close', () => this.#end())
  }

  /** Resolves when nobody reads any more. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Resolves when the line was taken, so that whoever waits for it holds no queue. */
  async write(line: string): Promise<void> {
    if (this.#isClosed || this.#stream.write(`${line}\n`)) return
    await Promise.race([once(this.#stream, 'drain').catch(() => {}), this.closed])
  }

  #end(): void {
    this.#isClosed = true
    this.#closed.resolve()
  }
}
