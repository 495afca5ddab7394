import { DirectoryError } from '@pulsewire/server'
import { type OpenDirectory, when, within } from './open.ts'

const HEARD_MS_MAX = 10_000

/**
 * Resolves once what was written has come back from the log, as every node has it then.
 * @param what was written, and how to do it again.
 * @throws DirectoryError `control_topic_silent`
 */
export async function heard(
  { directory }: Pick<OpenDirectory, 'directory'>,
  isHeard: () => boolean,
  { what, again } = { what: 'the word', again: 'say it again' },
): Promise<void> {
  const message = `${what} was written but did not come back from ${directory.topic}: ${again}`
  await within(HEARD_MS_MAX, when(directory, isHeard), () => new DirectoryError('control_topic_silent', message))
}
