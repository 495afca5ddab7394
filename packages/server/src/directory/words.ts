import type { Log } from '../log/index.ts'
import { encodeGrey, encodeGreyOff, encodeGreyStop, encodeRevocation, encodeWord } from './control-record.ts'
import type { GreyRelease, GreyStop } from './grey.ts'
import type { NodeWord } from './lease.ts'
import type { Revocation } from './revocations.ts'

/**
 * When a word is said that follows another one: of two the later one holds, and the clock by which the one before was said may
 * have been ahead.
 */
export function laterThan(beforeMs: number, nowMs: number): number {
  return Math.max(Math.floor(nowMs), Math.floor(beforeMs) + 1)
}

/** Says an operator's word on a node; every reader has it as soon as it is in the log, and it holds over restarts. */
export async function sayWord(log: Log, topic: string, node: string, word: NodeWord, atMs: number, by?: string): Promise<void> {
  await log.append(topic, [encodeWord(node, { word, atMs: Math.floor(atMs), ...(by === undefined ? {} : { by }) })])
}

/** Takes access away; every gateway that reads the topic closes whom it means. */
export async function sayRevocation(log: Log, topic: string, revocation: Revocation): Promise<void> {
  await log.append(topic, [encodeRevocation(revocation)])
}

/** Says who takes part in the grey release. Every balancer acts on it as soon as it is in the log. */
export async function sayGrey(log: Log, topic: string, release: GreyRelease): Promise<void> {
  await log.append(topic, [encodeGrey(release)])
}

/** Says that nobody takes part. */
export async function sayGreyOff(log: Log, topic: string, atMs: number, by?: string): Promise<void> {
  await log.append(topic, [encodeGreyOff(atMs, by)])
}

/** Ends a grey release by itself. Of two balancers that do so at once, the first in the log is the one that is named. */
export async function sayGreyStop(log: Log, topic: string, stop: GreyStop): Promise<void> {
  await log.append(topic, [encodeGreyStop(stop)])
}
