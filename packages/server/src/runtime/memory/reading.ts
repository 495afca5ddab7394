import { constants, PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How much memory is in use, and how much may be. */
export interface MemoryReading {
  /** V8's long-lived objects, as its last full collection left them. */
  readonly heapBytes: number
  readonly heapLimitBytes: number
  /** The process as a whole. */
  readonly processBytes: number
  /** `Infinity`: nobody set a limit. */
  readonly processLimitBytes: number
  /** Full collections since the start: what was given up shows after the next one. */
  readonly collections: number
}

/** V8's limit covers its young generation as well, which cannot fill up: three semi-spaces, 32 MiB each by default. */
const SEMI_SPACES = 3
const SEMI_SPACE_MIB = 32
const MIB = 1024 ** 2

/** Reads the memory of this process. Between full collections the heap holds garbage, so only they are believed. */
export class MemoryMeter implements Disposable {
  readonly #processLimitBytes: number
  readonly #heapLimitBytes = oldGenerationLimitBytes()
  readonly #observer: PerformanceObserver
  #heapBytes = 0
  #collections = 0
  #gc: (() => void) | null = null

  /** @param limitBytes what the process may take as a whole; its container's limit when absent. */
  constructor(limitBytes?: number) {
    const container = process.constrainedMemory()
    this.#processLimitBytes = limitBytes ?? (container > 0 && container < Number.MAX_SAFE_INTEGER ? container : Number.POSITIVE_INFINITY)
    this.#observer = new PerformanceObserver((list) => {
      const isMajor = list.getEntries().some((entry) => {
        const { detail } = entry as { readonly detail?: { readonly kind?: number } }
        return detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR
      })
      if (!isMajor) return
      this.#collections++
      this.#heapBytes = oldGenerationBytes()
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  read(): MemoryReading {
    return {
      heapBytes: this.#heapBytes,
      heapLimitBytes: this.#heapLimitBytes,
      processBytes: process.memoryUsage.rss(),
      processLimitBytes: this.#processLimitBytes,
      collections: this.#collections,
    }
  }

  /** A full collection now, for which the process stands still. */
  collect(): void {
    this.#gc ??= exposedGc()
    this.#gc()
    // It is counted when it is observed, which is soon.
    this.#heapBytes = oldGenerationBytes()
  }

  [Symbol.dispose](): void {
    this.#observer.disconnect()
  }
}

function oldGenerationBytes(): number {
  return getHeapSpaceStatistics().reduce((sum, space) => (space.space_name.startsWith('new') ? sum : sum + space.space_used_size), 0)
}

function oldGenerationLimitBytes(): number {
  const flags = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ')
  const semiSpaceMib = Number(/--max[-_]semi[-_]space[-_]size[= ](\d+)/.exec(flags)?.[1] ?? SEMI_SPACE_MIB)
  const limit = getHeapStatistics().heap_size_limit
  return Math.max(limit / 4, limit - SEMI_SPACES * semiSpaceMib * MIB)
}

/** V8's own, without a flag on the command line: contexts made after the flag is set have it. */
function exposedGc(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
