import { joinDirectory, openDirectory, type Directory, type Member, type NodeRole } from '@pulsewire/server'
import type { DirectoryConfig, Log, Logger, LogRecord } from '@pulsewire/server'
import { type ControlRecord, decodeControl } from '../../../packages/server/src/directory/control-record.ts'
import type { SimProcess } from '../world/process.ts'

/** Where fleets that are led by a directory keep it. */
export const CONTROL_TOPIC = 'pulsewire.control'

interface MembershipOptions {
  readonly config: DirectoryConfig
  readonly log: Log
  readonly process: SimProcess
  readonly logger: Logger
}

interface Identity {
  readonly role: NodeRole
  readonly id: string
  readonly line?: 'A' | 'B'
  readonly zone: string
}

/** By record, which all who read the log are given: a beat is decoded once, and not by each of them. */
const decoded = new WeakMap<LogRecord, ControlRecord>()

/** What nobody can change, anybody may hold. */
function decodeOnce(record: LogRecord): ControlRecord {
  let read = decoded.get(record)
  if (read === undefined) decoded.set(record, (read = freeze(decodeControl(record.key, record.value))))
  return read
}

function freeze<T extends object>(tree: T): T {
  for (const part of Object.values(tree)) if (typeof part === 'object' && part !== null) freeze(part)
  return Object.freeze(tree)
}

/** A node's place in the directory for one life: what it knows of the others, and the lease by which they know it. */
export class Membership {
  readonly directory: Directory
  readonly #options: MembershipOptions & { readonly clock: SimProcess['clock'] }
  readonly #directory: ReturnType<typeof openDirectory>
  #lease: ReturnType<typeof joinDirectory> | null = null

  constructor(options: MembershipOptions) {
    this.#options = { ...options, clock: options.process.clock }
    this.directory = this.#directory = openDirectory({ ...this.#options, decode: decodeOnce, random: () => 0.5 })
    void this.#directory.start()
  }

  /** From now on the member has a lease. Its measures of a real process are left out: they differ from run to run. */
  join({ role, id, line, zone }: Identity, member: Member): void {
    this.#lease = joinDirectory({
      ...this.#options,
      directory: this.#directory,
      role,
      node: { id, zone, track: 'stable', ...(line === undefined ? {} : { line }) },
      member,
      busy: () => 0,
      vitals: () => ({ uptimeMs: 0, loopDelayMs: 0, memoryBytes: 0 }),
    })
    void this.#lease.start()
  }

  /** The member is closed by now: the goodbye is the last that is heard of it. */
  async leave(): Promise<void> {
    await this.#lease?.close()
    await this.#directory.close()
  }
}
