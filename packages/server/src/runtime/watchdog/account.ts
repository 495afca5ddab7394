import { createHistogram } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { SharedStages } from '../stages/index.ts'
import type { ProcessAccount } from './messages.ts'

const NS_PER_MS = 1e6

/** What this process can say of itself at any moment. */
export class Accountant {
  readonly #stages: SharedStages
  readonly #delays = createHistogram()

  constructor(stages: SharedStages) {
    this.#stages = stages
  }

  /** A beat of the event loop came so late. */
  late(delayMs: number): void {
    this.#delays.record(Math.max(1, Math.round(delayMs * NS_PER_MS)))
  }

  account(): ProcessAccount {
    const resources: Record<string, number> = {}
    for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
    const { mean, max } = this.#delays
    const hasBeaten = this.#delays.count > 0
    const inMs = (ns: number): number => (hasBeaten ? Math.round(ns / 1e4) / 100 : 0)
    return {
      stages: this.#stages.accounts(),
      memory: { ...process.memoryUsage(), heapLimit: getHeapStatistics().heap_size_limit },
      loopDelayMs: { mean: inMs(mean), p99: inMs(this.#delays.percentile(99)), max: inMs(max) },
      resources,
    }
  }
}
