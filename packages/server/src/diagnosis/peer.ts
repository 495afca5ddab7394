import type { AskFrame, ToldFrame } from '@pulsewire/protocol'

/** The other end of a connection over which questions come and go: a session, or a link. */
export interface AskPeer {
  /** What its questions have to be proven for; nobody else is given the same. */
  readonly askNonce: string
  /** Where it is, for the audit. */
  readonly askedFrom: string
  ask(frame: AskFrame | ToldFrame): void
}

/** What a node's connections need of whatever answers questions. */
export interface Asks {
  /** For a session of this name. */
  nonceOf(session: string): string
  frame(peer: AskPeer, frame: AskFrame | ToldFrame): void
  /** The connection is gone. */
  lost(peer: AskPeer): void
  /** A node at the other end takes questions that are proven for its nonce. */
  met(peer: AskPeer, node: string, nonce: string): void
}

/** Longest silence of a node that is asked, when so many others follow behind it: each of them may take a moment to say that the next is silent. */
export function silenceMs(hopsBehind: number): number {
  return Math.min(2000 + 250 * hopsBehind, 3000)
}

/** A snapshot of its heap stops a node: once it has begun on one, it may be silent for so long. */
const SNAPSHOT_MS_MAX = 15_000

/** Longest silence of a node that has begun to answer. */
export function workingSilenceMs(hopsBehind: number, question: string): number {
  return question === 'heap' ? SNAPSHOT_MS_MAX : silenceMs(hopsBehind)
}

/** A node that works on an answer says so this often. */
export const STILL_HERE_MS = 500
