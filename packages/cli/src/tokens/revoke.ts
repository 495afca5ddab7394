import { DirectoryError, type Revocation, REVOCATIONS_MAX, sayRevocation } from '@pulsewire/server'
import { heard } from '../nodes/heard.ts'
import type { OpenDirectory } from '../nodes/open.ts'

/**
 * Writes a revocation, and waits until it has come back from the log, as every gateway has it then.
 * @throws DirectoryError `revocations_full`; `control_topic_silent`.
 */
export async function revoke(open: OpenDirectory, revocation: Revocation): Promise<void> {
  const { log, directory } = open
  const { of, name, atMs } = revocation
  const { revocations } = directory
  if (revocations.size >= REVOCATIONS_MAX && revocations.find(of, name) === undefined) {
    throw new DirectoryError(
      'revocations_full',
      `${directory.topic} holds ${revocations.size} revocations, no more are kept: change the keys that tokens are signed with instead`,
    )
  }
  await sayRevocation(log, directory.topic, revocation)
  await heard(open, () => (revocations.find(of, name)?.atMs ?? 0) >= atMs)
}
