import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { Question } from './operator-proof.ts'

/** The same question of the same operator is written down once in so long; how often it came meanwhile is told then. */
const TOLD_EVERY_MS = 10 * 60_000
/** Questions that are remembered for that; the oldest go first. */
const REMEMBERED_MAX = 256
/** Those that cost the node something, or give away what is in it: each time is written down. */
const EACH_TIME: ReadonlySet<string> = new Set(['cpu', 'heap', 'stacks', 'report', 'subscriptions'])

type Asked = Pick<Question, 'who' | 'question' | 'args' | 'path'> & { readonly target: string; readonly from: string }

interface Remembered {
  readonly asked: Asked
  readonly sinceMs: number
  /** Beside the time that was written down. */
  more: number
}

/**
 * Writes down who asks what (`asked`). A page on which somebody looks at a node asks the same every 10 s for as long as
 * it is open: that is one line in ten minutes with a count, or what else was asked would be lost among them.
 */
export class AskAudit {
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #logger: Logger
  readonly #by: string
  /** In the order in which they were written down. */
  readonly #remembered = new Map<string, Remembered>()

  /** @param by what takes the questions, such as `the watchdog of`; empty: the node itself. */
  constructor(options: { readonly clock: Pick<Clock, 'nowMs'>; readonly logger: Logger; readonly by?: string }) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#by = options.by === undefined ? '' : `${options.by} `
  }

  write(asked: Asked): void {
    const nowMs = this.#clock.nowMs()
    this.#tellOlderThan(nowMs - TOLD_EVERY_MS)
    const { who, question, target, from, path, args } = asked
    if (EACH_TIME.has(question)) return this.#log(asked)
    // Each question of a page comes over a connection of its own.
    const key = JSON.stringify([who, question, target, from.replace(/:\d+$/, ''), path, Object.entries(args).sort()])
    const before = this.#remembered.get(key)
    if (before !== undefined) {
      before.more++
      return
    }
    this.#log(asked)
    this.#remembered.set(key, { asked, sinceMs: nowMs, more: 0 })
    if (this.#remembered.size > REMEMBERED_MAX) this.#tell(this.#remembered.keys().next().value!)
  }

  #tellOlderThan(sinceMs: number): void {
    for (const [key, one] of this.#remembered) {
      if (one.sinceMs > sinceMs) return
      this.#tell(key)
    }
  }

  #tell(key: string): void {
    const { asked, sinceMs, more } = this.#remembered.get(key)!
    this.#remembered.delete(key)
    if (more > 0) this.#log(asked, { more, sinceMs: Math.round(sinceMs) })
  }

  #log(asked: Asked, again?: { readonly more: number; readonly sinceMs: number }): void {
    const { who, target, question } = asked
    const often = again === undefined ? '' : `, ${again.more} times more since it was said`
    this.#logger.info('asked', `${who} asks ${this.#by}${target} for ${question}${often}`, { ...asked, ...again })
  }
}
