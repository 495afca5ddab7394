/** A network of one process's own, joined to ours by a virtual cable that a test can pull. Needs root and `ip` of iproute2. */
import { spawnSync } from 'node:child_process'

let made = 0

/** Whether this machine lets us make one; fault rows that need it say so when it does not. */
export function canMakeNamespaces(): boolean {
  const name = `pwprobe-${process.pid}`
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return false
  spawnSync('ip', ['netns', 'delete', name])
  return true
}

export class NetworkNamespace implements Disposable {
  readonly name: string
  /** Our end of the cable: processes inside reach us here. */
  readonly outerHost: string
  /** Their end: we reach them here. */
  readonly innerHost: string
  readonly #cable: string
  #isGone = false

  /** @throws Error with what `ip` said. Removed by `[Symbol.dispose]`, at the latest when this process ends. */
  constructor() {
    const number = ++made
    this.name = `pw-${process.pid}-${number}`
    // At most 15 characters.
    this.#cable = `pw${process.pid % 1_000_000}v${number}`
    // Of the range for tests between networks, a /30 of this process's own.
    const base = ((process.pid % 4096) * 8 + (number % 8)) * 4
    const address = (host: number) => `198.${18 + ((base >> 16) & 1)}.${(base >> 8) & 255}.${(base & 255) + host}`
    this.outerHost = address(1)
    this.innerHost = address(2)
    process.once('exit', this.#remove)
    try {
      const inner = `${this.#cable}i`
      ip('netns', 'add', this.name)
      ip('link', 'add', this.#cable, 'type', 'veth', 'peer', 'name', inner)
      ip('link', 'set', inner, 'netns', this.name)
      ip('address', 'add', `${this.outerHost}/30`, 'dev', this.#cable)
      ip('link', 'set', this.#cable, 'up')
      ip('-n', this.name, 'address', 'add', `${this.innerHost}/30`, 'dev', inner)
      ip('-n', this.name, 'link', 'set', inner, 'up')
      ip('-n', this.name, 'link', 'set', 'lo', 'up')
    } catch (error) {
      this.#remove()
      throw error
    }
  }

  /** In front of a command: it runs inside, under the same process id. */
  get within(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name]
  }

  /** Pulls the cable: packets are lost both ways, and neither end is told. */
  pull(): void {
    ip('-n', this.name, 'link', 'set', `${this.#cable}i`, 'down')
  }

  plug(): void {
    ip('-n', this.name, 'link', 'set', `${this.#cable}i`, 'up')
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#remove)
    this.#remove()
  }

  #remove = (): void => {
    if (this.#isGone) return
    this.#isGone = true
    // The cable goes with the namespace; where it never got there, by itself.
    spawnSync('ip', ['netns', 'delete', this.name])
    spawnSync('ip', ['link', 'delete', this.#cable])
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
}
