import type { AskFrame, ToldFrame, WelcomeFrame } from '@pulsewire/protocol'
import { type AskPeer, type Asks, newNonce } from '../../diagnosis/index.ts'

/** Questions of operators over a probe's connection: a balancer has no other to its gateways, and takes none itself. */
export class ProbeQuestions implements AskPeer {
  askNonce = ''
  readonly askedFrom: string
  readonly #asks: Asks
  readonly #send: (frame: AskFrame | ToldFrame) => void

  constructor(asks: Asks, askedFrom: string, send: (frame: AskFrame | ToldFrame) => void) {
    this.#asks = asks
    this.askedFrom = askedFrom
    this.#send = send
  }

  /** A session is open: where its node takes questions, it may ask as well. */
  welcomed({ node, asks }: WelcomeFrame): void {
    if (asks === undefined) return
    this.askNonce = newNonce()
    this.#asks.met(this, node, asks)
  }

  frame(frame: AskFrame | ToldFrame): void {
    this.#asks.frame(this, frame)
  }

  ask(frame: AskFrame | ToldFrame): void {
    this.#send(frame)
  }

  /** The session is over. */
  lost(): void {
    this.#asks.lost(this)
  }
}
