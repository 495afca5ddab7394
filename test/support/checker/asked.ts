import { parsePosition, type SubscribeFrame } from '@pulsewire/protocol'

interface Named {
  readonly offset: number
  /** Which subscribe of the id named it, counted from 1. */
  readonly subscribe: number
}

/** What a receiver asked under one id. */
export class Asked {
  /** The newest subscribe; all of an id have the same options. */
  frame: SubscribeFrame
  #subscribes = 0
  #dones = 0
  /** By symbol, positions to resume from, oldest first. */
  readonly #positions = new Map<string, Named[]>()

  constructor(frame: SubscribeFrame) {
    this.frame = frame
    this.again(frame)
  }

  again(frame: SubscribeFrame): void {
    this.frame = frame
    const subscribe = ++this.#subscribes
    for (const [name, position] of Object.entries(frame.from ?? {})) {
      const named = { offset: parsePosition(position)!.offset, subscribe }
      const before = this.#positions.get(name)
      if (before === undefined) this.#positions.set(name, [named])
      else before.push(named)
    }
  }

  /** Offsets named to resume from that a row of the symbol may be the answer to. */
  positionsOf(name: string): readonly number[] {
    return (this.#positions.get(name) ?? []).map(({ offset }) => offset)
  }

  /**
   * A subscribe was answered, or several in a row at once: at least as many are as there were answers with `done`. What
   * those named is not waited for any more.
   */
  done(): void {
    this.#dones++
    for (const [name, named] of this.#positions) {
      const left = named.filter(({ subscribe }) => subscribe > this.#dones)
      if (left.length === 0) this.#positions.delete(name)
      else this.#positions.set(name, left)
    }
  }
}
