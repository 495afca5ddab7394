import { DirectoryError, sayWord, systemClock, type NodeWord } from '@pulsewire/server'
import { type OpenDirectory, when, within } from './open.ts'

const HEARD_MS_MAX = 10_000

/**
 * Says an operator's word on a node, and waits until it has come back from the log, as every node has it then.
 * @throws DirectoryError `node_unknown`, so that a misspelt name is not taken for one that obeys; `control_topic_silent`.
 */
export async function say({ log, directory }: OpenDirectory, node: string, word: NodeWord, force: boolean): Promise<void> {
  const isKnown = directory.incarnationOf(node) > 0 || directory.wordOf(node) !== undefined
  if (!isKnown && !force) {
    throw new DirectoryError(
      'node_unknown',
      `no node called ${node} has ever had a lease in ${directory.topic}: see \`pulsewire nodes\`, or add --force for one that is still to come`,
    )
  }
  const atMs = Math.floor(systemClock.nowMs())
  await sayWord(log, directory.topic, node, word, atMs)
  const isHeard = () => directory.wordOf(node)?.word === word && directory.wordOf(node)!.atMs >= atMs
  await within(
    HEARD_MS_MAX,
    when(directory, isHeard),
    () => new DirectoryError('control_topic_silent', `the word was written but did not come back from ${directory.topic}: say it again`),
  )
}
