import type { LogConfig } from '../runtime/config/index.ts'
import { LogError } from '../runtime/errors.ts'
import type { Log } from './log.ts'
import { openKafkaByConfig } from './open-log.ts'

/**
 * The logs that a node reads: its own, and those of other clusters, to which feeds were moved. Another cluster is reached
 * as the node's own is, by the same login and TLS files; only the brokers differ. It stays open until the node ends.
 */
export class Clusters {
  readonly home: Log
  readonly #open: (brokers: readonly string[]) => Log
  readonly #others = new Map<string, Log>()

  constructor(home: Log, open: (brokers: readonly string[]) => Log) {
    this.home = home
    this.#open = open
  }

  /** Of a generation of a feed. @throws LogError when the configured log is none that has brokers. */
  of({ brokers }: { readonly brokers?: readonly string[] }): Log {
    if (brokers === undefined) return this.home
    const key = [...brokers].sort().join()
    let log = this.#others.get(key)
    if (log === undefined) this.#others.set(key, (log = this.#open(brokers)))
    return log
  }

  /** Closes those of other clusters; whoever opened the node's own log closes that. */
  async close(): Promise<void> {
    const others = [...this.#others.values()]
    this.#others.clear()
    await Promise.all(others.map((log) => log.close()))
  }
}

export function clustersOf(home: Log, config: LogConfig, nodeId: string): Clusters {
  return new Clusters(home, (brokers) => {
    if (config.kind === 'kafka') return openKafkaByConfig({ ...config, brokers: [...brokers] }, nodeId)
    throw new LogError('log_unreachable', `brokers ${brokers.join(', ')} cannot be reached from a node whose log is embedded`)
  })
}

/** For a node that has but one log. */
export function alone(home: Log): Clusters {
  return new Clusters(home, (brokers) => {
    throw new LogError('log_unreachable', `brokers ${brokers.join(', ')} cannot be reached: this node has one log only`)
  })
}
