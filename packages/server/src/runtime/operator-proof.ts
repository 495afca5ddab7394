/** How a question shows that whoever puts it has the operator secret. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Secret } from './config/secret.ts'

/** A question as the operator, or a node that passes it on, puts it. */
export interface Question {
  /** Grows with every question of a connection, so that none can be said a second time. */
  readonly id: number
  /** The nodes on the way, the next first; empty: the node that reads it. */
  readonly path: readonly string[]
  readonly question: string
  readonly args: Readonly<Record<string, string>>
  /** Who asks, for the audit. */
  readonly who: string
}

/** Says what the proof is for, so that it can stand for nothing else. */
const PURPOSE = 'pulsewire.ask.v1'

/** @param nonce the other end's, from its `welcome` (or its question `neighbour`). */
export function prove(secret: Secret, nonce: string, { id, path, question, args, who }: Question): string {
  const rows = Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1))
  const text = JSON.stringify([PURPOSE, nonce, id, path, question, rows, who])
  return createHmac('sha256', secret.reveal()).update(text).digest('hex')
}

/** What an end of a connection offers for proofs. */
export function newNonce(): string {
  return randomBytes(16).toString('base64url')
}

/** Takes as long whatever is wrong with it. */
export function isProven(secret: Secret, nonce: string, question: Question, proof: string): boolean {
  const expected = Buffer.from(prove(secret, nonce, question))
  const given = Buffer.from(proof)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
