import { DirectoryError, laterThan, sayWord, systemClock, type NodeWord } from '@pulsewire/server'
import { heard } from './heard.ts'
import type { OpenDirectory } from './open.ts'

/**
 * Says an operator's word on a node, and waits until it has come back from the log, as every node has it then.
 * @throws DirectoryError `node_unknown`, so that a misspelt name is not taken for one that obeys; `control_topic_silent`.
 */
export async function say(
  open: OpenDirectory,
  node: string,
  word: NodeWord,
  { force, by }: { readonly force: boolean; readonly by: string },
): Promise<void> {
  const { log, directory } = open
  const isKnown = directory.incarnationOf(node) > 0 || directory.wordOf(node) !== undefined
  if (!isKnown && !force) {
    throw new DirectoryError(
      'node_unknown',
      `no node called ${node} has ever had a lease in ${directory.topic}: see \`pulsewire nodes\`, or add --force for one that is still to come`,
    )
  }
  const atMs = laterThan(directory.wordOf(node)?.atMs ?? 0, systemClock.nowMs())
  await sayWord(log, directory.topic, node, word, atMs, by)
  await heard(open, () => directory.wordOf(node)?.word === word && directory.wordOf(node)!.atMs >= atMs)
}
