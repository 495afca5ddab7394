import type { ToldFrame } from '@pulsewire/protocol'
import type { Clock, Timer } from '../runtime/clock.ts'
import { type Answer, type Args, AskError } from './answer.ts'
import { CHUNKS_IN_FLIGHT_MAX, chunksOf } from './chunks.ts'
import { STILL_HERE_MS } from './peer.ts'

/** Of one answer; a heap of some hundred MB is as much as anybody can open. */
const ANSWER_CHARS_MAX = 512 * 1024 * 1024
/** Who takes nothing for so long has gone. */
const UNTAKEN_MS_MAX = 30_000

export interface LocalAnswerOptions {
  readonly id: number
  readonly node: string
  readonly clock: Clock
  readonly say: (frame: ToldFrame) => void
  /** Called once, whatever the end. */
  readonly ended: () => void
}

/** One answer of this node on its way to the asker: in chunks, no more on the way than the asker takes. */
export class LocalAnswer {
  readonly #options: LocalAnswerOptions
  readonly #abort = new AbortController()
  readonly #stillHere: Timer
  #acked = 0
  #seq = 0
  #wake: (() => void) | null = null

  constructor(options: LocalAnswerOptions) {
    this.#options = options
    this.#say({})
    this.#stillHere = options.clock.every(STILL_HERE_MS, () => this.#say({}))
  }

  async run(answer: Answer, args: Args): Promise<void> {
    try {
      const whole = await answer(args, this.#abort.signal, () => this.#begun())
      await this.#give(typeof whole === 'string' ? [whole] : whole)
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#say(failureOf(error))
    } finally {
      this.#stillHere.cancel()
      this.#abort.abort()
      this.#options.ended()
    }
  }

  acked(seq: number): void {
    this.#acked = Math.max(this.#acked, seq)
    this.#wake?.()
  }

  cancel(): void {
    this.#abort.abort()
    this.#wake?.()
  }

  async #give(parts: AsyncIterable<string> | Iterable<string>): Promise<void> {
    let chars = 0
    for await (const chunk of chunksOf(parts)) {
      chars += chunk.length
      if (chars > ANSWER_CHARS_MAX) throw new AskError('ask_too_large', `the answer has more than ${ANSWER_CHARS_MAX} characters`)
      if (!(await this.#room(CHUNKS_IN_FLIGHT_MAX))) return
      this.#say({ seq: ++this.#seq, chunk })
    }
    this.#say({ last: true })
  }

  /** What is said waits for the next flush of the connection; an empty chunk that was acknowledged has arrived. @throws when nobody takes it. */
  async #begun(): Promise<void> {
    this.#say({ seq: ++this.#seq, chunk: '' })
    if (!(await this.#room(1))) throw new Error('nobody wants the answer any more')
  }

  /** Waits until fewer chunks than this are on the way. @returns false when nobody takes them. */
  async #room(chunks: number): Promise<boolean> {
    const { clock } = this.#options
    const { signal } = this.#abort
    const fromMs = clock.nowMs()
    while (!signal.aborted && this.#seq - this.#acked >= chunks) {
      if (clock.nowMs() - fromMs >= UNTAKEN_MS_MAX) {
        this.cancel()
        break
      }
      await new Promise<void>((resolve) => {
        const timer = clock.after(UNTAKEN_MS_MAX, resolve)
        this.#wake = () => {
          timer.cancel()
          resolve()
        }
      })
      this.#wake = null
    }
    return !signal.aborted
  }

  #say(what: Partial<ToldFrame>): void {
    const { id, node, say } = this.#options
    if (!this.#abort.signal.aborted) say({ t: 'told', id, node, ...what })
  }
}

function failureOf(error: unknown): Partial<ToldFrame> {
  const code = error instanceof AskError ? error.code : 'ask_failed'
  return { code, message: error instanceof Error ? error.message : String(error), last: true }
}
