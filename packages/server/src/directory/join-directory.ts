import type { Log } from '../log/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { DirectoryConfig } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import { VERSION } from '../runtime/version.ts'
import { ControlDirectory, type ControlDirectoryOptions } from './control-directory.ts'
import type { NodeRole } from './lease.ts'
import { LeaseKeeper, type LeaseKeeperOptions, type Member } from './lease-keeper.ts'

interface Common {
  readonly config: DirectoryConfig
  readonly log: Log
  readonly logger: Logger
  readonly clock?: Clock
}

interface OpenOptions extends Common, Pick<ControlDirectoryOptions, 'decode' | 'random'> {}

/** Opens the directory that a configuration names: once in a process, started before and closed after all that uses it. */
export function openDirectory({ config, ...deps }: OpenOptions): ControlDirectory {
  return new ControlDirectory({ ...deps, topic: config.topic, lifeMs: config.lifeMs })
}

export interface JoinOptions extends Common, Pick<LeaseKeeperOptions, 'busy' | 'vitals'> {
  readonly directory: ControlDirectory
  readonly role: NodeRole
  readonly node: { readonly id: string; readonly zone: string; readonly track: 'stable' | 'grey'; readonly line?: 'A' | 'B' }
  readonly member: Member
  /** Where the watchdog of its process takes questions. */
  readonly watchdog?: string
}

/**
 * Gives a role its lease. The keeper is started before the role and closed after it: while the role drains, its lease says
 * so, and the goodbye is the last that is heard of it.
 */
export function joinDirectory({ config, role, node, watchdog, ...deps }: JoinOptions): LeaseKeeper {
  const { id, zone, track, line } = node
  const lined = role === 'push' && line !== undefined ? { line } : {}
  const identity = { node: id, role, zone, track, version: VERSION, ...lined, ...(watchdog === undefined ? {} : { watchdog }) }
  return new LeaseKeeper({ ...deps, identity, beatIntervalMs: config.beatIntervalMs, lifeMs: config.lifeMs })
}
