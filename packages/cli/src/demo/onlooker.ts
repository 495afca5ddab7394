import { clustersOf, ControlDirectory, type EmbeddedLog, type LogConfig, silentLogger } from '@pulsewire/server'
import { type OpenDirectory, whenCurrent } from '../nodes/open.ts'

export const CONTROL_TOPIC = 'pulsewire.control'
const LEASE_LIFE_MS = 3000

/** The directory of a demo, as a command that looks at an installation has it. The log stays open when it is closed. */
export async function lookInto(log: EmbeddedLog): Promise<OpenDirectory> {
  const directory = new ControlDirectory({ log, topic: CONTROL_TOPIC, lifeMs: LEASE_LIFE_MS, logger: silentLogger, tidies: false })
  await directory.start()
  await whenCurrent({ directory })
  const clusters = clustersOf(log, { kind: 'embedded' } as LogConfig, 'demo')
  const close = async (): Promise<void> => {
    await clusters.close()
    await directory.close()
  }
  return { log, directory, clusters, [Symbol.asyncDispose]: close }
}
