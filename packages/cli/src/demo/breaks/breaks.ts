import type { BreakAnswer } from '@pulsewire/console'
import { type Begun, BreakRefused, type Break } from './break.ts'
import type { Story } from './story.ts'

interface Active {
  readonly target: string
  readonly sinceMs: number
  readonly begun: Begun
  readonly timer: NodeJS.Timeout
}

/** What of the demonstration is broken now. Each way once at a time; all of it is undone at the end. */
export class Breaks {
  readonly #breaks: readonly Break[]
  readonly #story: Story
  readonly #nowMs: () => number
  readonly #active = new Map<string, Active>()
  /** Being done or undone. */
  readonly #busy = new Set<string>()
  /** Being done: some take a while. */
  readonly #beginning = new Map<string, Pick<Active, 'target' | 'sinceMs'>>()

  constructor(breaks: readonly Break[], story: Story, nowMs: () => number) {
    this.#breaks = breaks
    this.#story = story
    this.#nowMs = nowMs
  }

  get states(): BreakAnswer[] {
    return this.#breaks.map(({ id, title, does, watch, targets, act, undo }) => {
      const active = this.#active.get(id) ?? this.#beginning.get(id)
      return {
        ...{ id, title, does, watch, targets, act, undo },
        active: active === undefined ? null : { target: active.target, sinceMs: active.sinceMs },
      }
    })
  }

  /** @throws BreakRefused why not. */
  async order(id: string, on: boolean, target: string): Promise<void> {
    const one = this.#breaks.find((known) => known.id === id)
    if (one === undefined) throw new BreakRefused(`there is no ${id}`)
    if (this.#busy.has(id)) throw new BreakRefused(`${one.title}: the last order is still being carried out`)
    this.#busy.add(id)
    try {
      if (!on) await this.#end(id)
      else await this.#begin(one, target)
    } finally {
      this.#busy.delete(id)
    }
  }

  async close(): Promise<void> {
    for (const id of [...this.#active.keys()]) await this.#end(id).catch(() => {})
  }

  async #begin(one: Break, target: string): Promise<void> {
    if (this.#active.has(one.id)) throw new BreakRefused(`${one.title}: it is done already`)
    if (!one.targets.includes(target)) throw new BreakRefused(`${one.title}: ${target} is none of ${one.targets.join(', ')}`)
    const sinceMs = Math.round(this.#nowMs())
    this.#beginning.set(one.id, { target, sinceMs })
    const begun = await one.begin(target).finally(() => this.#beginning.delete(one.id))
    const timer = setTimeout(() => void this.#end(one.id).catch(() => {}), one.healsAfterMs)
    const active = { target, begun, timer, sinceMs }
    this.#active.set(one.id, active)
    void begun.healed?.then(() => {
      if (this.#active.get(one.id) === active) return this.#end(one.id)
      return undefined
    })
  }

  async #end(id: string): Promise<void> {
    const active = this.#active.get(id)
    if (active === undefined) return
    clearTimeout(active.timer)
    try {
      await active.begun.end()
    } catch (error) {
      this.#story.tell(`${id} could not be undone: ${(error as Error).message}`, 'bad')
      throw error
    } finally {
      this.#active.delete(id)
    }
  }
}
