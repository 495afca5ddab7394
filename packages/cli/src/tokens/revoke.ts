import { DirectoryError, type Revocation, REVOCATIONS_MAX, sayRevocation } from '@pulsewire/server'
import { type OpenDirectory, when, within } from '../nodes/open.ts'

const HEARD_MS_MAX = 10_000

/**
 * Writes a revocation, and waits until it has come back from the log, as every gateway has it then.
 * @throws DirectoryError `revocations_full`; `control_topic_silent`.
 */
export async function revoke({ log, directory }: OpenDirectory, revocation: Revocation): Promise<void> {
  const { of, name, atMs } = revocation
  const { revocations } = directory
  if (revocations.size >= REVOCATIONS_MAX && revocations.find(of, name) === undefined) {
    throw new DirectoryError(
      'revocations_full',
      `${directory.topic} holds ${revocations.size} revocations, no more are kept: change the keys that tokens are signed with instead`,
    )
  }
  await sayRevocation(log, directory.topic, revocation)
  await within(
    HEARD_MS_MAX,
    when(directory, () => (revocations.find(of, name)?.atMs ?? 0) >= atMs),
    () => new DirectoryError('control_topic_silent', `the word was written but did not come back from ${directory.topic}: say it again`),
  )
}
