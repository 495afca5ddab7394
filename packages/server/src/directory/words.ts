import type { Log } from '../log/index.ts'
import { encodeWord } from './control-record.ts'
import type { NodeWord } from './lease.ts'

/** Says an operator's word on a node; every reader has it as soon as it is in the log, and it holds over restarts. */
export async function sayWord(log: Log, topic: string, node: string, word: NodeWord, atMs: number): Promise<void> {
  await log.append(topic, [encodeWord(node, { word, atMs: Math.floor(atMs) })])
}
