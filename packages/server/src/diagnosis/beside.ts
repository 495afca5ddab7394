import type { AskFrame, ToldFrame } from '@pulsewire/protocol'
import type { Clock } from '../runtime/clock.ts'
import type { AskDesk } from './desk.ts'
import type { AskPeer } from './peer.ts'
import { newNonce } from './proof.ts'

/** Lets two nodes of one process, which have no connection, pass questions to each other. */
export function joinDesks(a: AskDesk, b: AskDesk, clock: Clock): void {
  const end = (self: AskDesk, other: () => AskPeer): AskPeer => ({
    askNonce: newNonce(),
    askedFrom: 'this process',
    ask: (frame: AskFrame | ToldFrame) => clock.soon(() => self.frame(other(), frame)),
  })
  // Each is what the desk behind the other's name sees of it.
  const toB: AskPeer = end(b, () => toA)
  const toA: AskPeer = end(a, () => toB)
  a.met(toB, b.node, toA.askNonce)
}
