import { statSync } from 'node:fs'
import type { Clock, Timer } from './clock.ts'

/** How often files are looked at. */
const LOOK_INTERVAL_MS = 2000

export interface FileWatchDeps {
  readonly clock: Clock
  /** Calls back on SIGHUP; default: the process's. @returns stops that. */
  readonly onHangup?: (callback: () => void) => () => void
}

interface Followed {
  readonly files: readonly string[]
  readonly changed: (why: string) => void
  seen: string
}

/** Looks at files every two seconds, and calls back when one is another, and on SIGHUP. One for all files of a node. */
export class FileWatch {
  readonly #deps: FileWatchDeps
  readonly #followed: Followed[] = []
  readonly #later = new Set<Timer>()
  #timer: Timer | null = null
  #stopListening: () => void = () => {}

  constructor(deps: FileWatchDeps) {
    this.#deps = deps
  }

  /** @param changed is told why. Without a file there is nothing to follow, and SIGHUP means what it did. */
  follow(files: readonly string[], changed: (why: string) => void): void {
    if (files.length === 0) return
    this.#followed.push({ files, changed, seen: seenOf(files) })
    if (this.#timer !== null) return
    const { clock, onHangup = onProcessHangup } = this.#deps
    this.#timer = clock.every(LOOK_INTERVAL_MS, () => this.look())
    this.#stopListening = onHangup(() => {
      for (const one of this.#followed) {
        one.seen = seenOf(one.files)
        one.changed('SIGHUP')
      }
    })
  }

  look(): void {
    for (const one of this.#followed) {
      const seen = seenOf(one.files)
      if (seen === one.seen) continue
      one.seen = seen
      one.changed(one.files.length === 1 ? 'it has changed' : 'its files have changed')
    }
  }

  /** Calls back once, unless it is closed before. */
  after(delayMs: number, callback: () => void): void {
    const timer = this.#deps.clock.after(delayMs, () => {
      this.#later.delete(timer)
      callback()
    })
    this.#later.add(timer)
  }

  close(): void {
    for (const timer of this.#later) timer.cancel()
    this.#later.clear()
    this.#timer?.cancel()
    this.#stopListening()
    this.#followed.length = 0
  }
}

/** What changes when a file, or the link to it, is another one. */
function seenOf(files: readonly string[]): string {
  return files
    .map((file) => {
      try {
        const { ino, mtimeMs, size } = statSync(file)
        return `${ino} ${mtimeMs} ${size}`
      } catch {
        return 'missing'
      }
    })
    .join()
}

function onProcessHangup(callback: () => void): () => void {
  process.on('SIGHUP', callback)
  return () => void process.off('SIGHUP', callback)
}
