import type { Item } from './split.ts'

interface Asked {
  readonly item: Item
  /** Number of the frame. */
  readonly frame: number
  readonly atMs: number
  /** How often it was asked before. */
  readonly repeats: number
}

/** What is asked under one id and not answered yet. */
export class Outstanding {
  readonly #asked = new Map<string, Asked>()
  /** Names that were overdue and are being asked again → how often they were asked before. */
  readonly #repeats = new Map<string, number>()
  #frames = 0
  /** The latest frame of which something was answered, and when something was last. */
  #answeredFrame = -1
  #answeredAtMs = -Infinity

  get size(): number {
    return this.#asked.size
  }

  get items(): Item[] {
    return Array.from(this.#asked.values(), ({ item }) => item)
  }

  /** One frame asked for these. */
  ask(items: readonly Item[], nowMs: number): void {
    const frame = this.#frames++
    for (const item of items) {
      // Behind all others, also when it was asked for before.
      this.#asked.delete(item.name)
      this.#asked.set(item.name, { item, frame, atMs: nowMs, repeats: this.#repeats.get(item.name) ?? 0 })
    }
  }

  answered(name: string, nowMs: number): void {
    const asked = this.#asked.get(name)
    this.#repeats.delete(name)
    if (asked === undefined) return
    this.#asked.delete(name)
    this.#answeredFrame = Math.max(this.#answeredFrame, asked.frame)
    this.#answeredAtMs = nowMs
  }

  /** When the oldest may be overdue. */
  nextAtMs(timeoutMs: number): number {
    for (const { atMs } of this.#asked.values()) return atMs + timeoutMs
    return Infinity
  }

  /** Not wanted any more. */
  forget(name: string): void {
    this.#asked.delete(name)
    this.#repeats.delete(name)
  }

  /**
   * Takes out what has to be asked again by now. Answers come in the order of the frames: as long as some come, those to later
   * frames are on their way, and a frame that was overtaken is lost.
   */
  takeOverdue(nowMs: number, timeoutMs: number): { items: Item[]; repeats: number } {
    const items: Item[] = []
    let most = 0
    for (const { item, frame, atMs, repeats } of this.#asked.values()) {
      // They stand in the order of their frames.
      if (nowMs - atMs <= timeoutMs || (frame >= this.#answeredFrame && nowMs - this.#answeredAtMs <= timeoutMs)) break
      items.push(item)
      this.#asked.delete(item.name)
      this.#repeats.set(item.name, repeats + 1)
      most = Math.max(most, repeats + 1)
    }
    return { items, repeats: most }
  }
}
