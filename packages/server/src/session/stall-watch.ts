import { describeStall, nameStall, type StallKind } from '../runtime/stall.ts'
import type { Transport } from './transport.ts'

/** Whether one receiver has stopped taking what it is sent, and of what kind the stall is. */
export class StallWatch {
  /** Null while there is none. */
  kind: StallKind | null = null
  /** What the peer's host had not taken when its window was last seen to be zero. */
  #stuckBytes = -1
  /** Looks at the kernel's table cost, and there may be very many that stall: so many were taken of this stall. */
  #looks = 0

  /**
   * @param silentMs how long nothing was acknowledged or taken although something was due.
   * @param limitMs from when on that is a stall.
   * @returns what changed: a stall began, or is over.
   */
  look(silentMs: number, limitMs: number, transport: Transport): 'began' | 'over' | undefined {
    const was = this.kind
    if (silentMs <= limitMs) {
      this.kind = null
      this.#stuckBytes = -1
      this.#looks = 0
      return was === null ? undefined : 'over'
    }
    if (was !== null) return undefined
    const queue = transport.sendQueue?.()
    this.kind = nameStall(transport.bufferedBytes, queue)
    this.#stuckBytes = queue?.zeroWindow === true ? queue.bytes : -1
    return 'began'
  }

  /**
   * Whether the peer's host has no room left, says so, and nothing has been taken between two looks: its line is well, and
   * its process reads nothing. A thin line, or one in a tunnel, does not look like that.
   * @param silentMs as for `look`. Looked at once each time that another `timeoutMs` is over.
   */
  isStuck(silentMs: number, timeoutMs: number, transport: Transport): boolean {
    const looks = Math.floor(silentMs / timeoutMs)
    if (this.kind === null || looks <= this.#looks) return false
    this.#looks = looks
    const before = this.#stuckBytes
    const queue = transport.sendQueue?.()
    this.#stuckBytes = queue?.zeroWindow === true ? queue.bytes : -1
    return before >= 0 && this.#stuckBytes >= before
  }

  /** In words, as it is now: a peer that froze first may have filled its window since. */
  describe(transport: Transport): string {
    this.kind = nameStall(transport.bufferedBytes, transport.sendQueue?.())
    return describeStall(this.kind, transport.bufferedBytes)
  }
}
