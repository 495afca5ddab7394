import { joinDirectory, openDirectory, type Directory, type Member, type NodeRole } from '@pulsewire/server'
import type { DirectoryConfig, Log, Logger } from '@pulsewire/server'
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

/** A node's place in the directory for one life: what it knows of the others, and the lease by which they know it. */
export class Membership {
  readonly directory: Directory
  readonly #options: MembershipOptions & { readonly clock: SimProcess['clock'] }
  readonly #directory: ReturnType<typeof openDirectory>
  #lease: ReturnType<typeof joinDirectory> | null = null

  constructor(options: MembershipOptions) {
    this.#options = { ...options, clock: options.process.clock }
    this.directory = this.#directory = openDirectory(this.#options)
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
