import type { AskCode, ToldFrame } from '@pulsewire/protocol'
import type { Clock, Timer } from '../runtime/clock.ts'
import { AskError } from './answer.ts'
import { type AskPeer, silenceMs, workingSilenceMs } from './peer.ts'

export interface ForwardOptions {
  /** On the hop that the question came over. */
  readonly id: number
  readonly node: string
  readonly nextNode: string
  readonly next: AskPeer
  /** On the hop that it was passed on over. */
  readonly nextId: number
  /** Nodes behind the next one. */
  readonly hopsBehind: number
  readonly question: string
  readonly clock: Clock
  readonly say: (frame: ToldFrame) => void
  /** Called once, whatever the end. */
  readonly ended: () => void
  /** Who else may answer when the next node says nothing: takes the question over. Absent: nobody. */
  readonly instead?: (why: AskError) => void
}

/** A question that was passed on: its answer goes back as it comes, and when nothing comes, that is said. */
export class Forward {
  readonly next: AskPeer
  readonly nextId: number
  readonly #options: ForwardOptions
  #silence: Timer
  /** Something of the answer has been passed on. */
  #hasBegun = false
  #isOver = false

  constructor(options: ForwardOptions) {
    this.#options = options
    this.next = options.next
    this.nextId = options.nextId
    this.#silence = this.#watch(silenceMs(options.hopsBehind))
  }

  told(frame: ToldFrame, peer: AskPeer): void {
    if (this.#isOver || peer !== this.next) return
    this.#silence.cancel()
    this.#hasBegun ||= frame.chunk !== undefined
    if (frame.last === true) this.#end()
    else this.#silence = this.#watch(workingSilenceMs(this.#options.hopsBehind, this.#options.question))
    this.#options.say({ ...frame, id: this.#options.id })
  }

  acked(seq: number): void {
    if (!this.#isOver) this.next.ask({ t: 'ask', id: this.nextId, ack: seq })
  }

  cancel(): void {
    if (this.#isOver) return
    this.#end()
    this.next.ask({ t: 'ask', id: this.nextId, cancel: true })
  }

  /** The link to the next node is gone. */
  lost(): void {
    const { nextNode, node } = this.#options
    this.#fail('ask_link_lost', `the link between ${node} and ${nextNode} was lost while ${nextNode} was asked`)
  }

  #watch(ms: number): Timer {
    const { clock, nextNode, node } = this.#options
    return clock.after(ms, () => {
      this.next.ask({ t: 'ask', id: this.nextId, cancel: true })
      const why = 'it is frozen, its event loop is blocked, or the line is cut'
      this.#fail('ask_no_answer', `${nextNode} is linked to ${node} but has said nothing for ${ms} ms: ${why}`)
    })
  }

  #fail(code: AskCode, message: string): void {
    if (this.#isOver) return
    const { id, node, say, instead } = this.#options
    this.#end()
    if (instead !== undefined && !this.#hasBegun) return instead(new AskError(code, message))
    say({ t: 'told', id, node, code, message, last: true })
  }

  #end(): void {
    this.#isOver = true
    this.#silence.cancel()
    this.#options.ended()
  }
}
