import { describeStall, nameStall, type StallKind } from '../runtime/stall.ts'
import type { Transport } from './transport.ts'

/** Whether one receiver has stopped taking what it is sent, and of what kind the stall is. */
export class StallWatch {
  /** Null while there is none. */
  kind: StallKind | null = null

  /**
   * @param silentMs how long nothing was acknowledged or taken although something was due.
   * @param limitMs from when on that is a stall.
   * @returns what changed: a stall began, or is over.
   */
  look(silentMs: number, limitMs: number, transport: Transport): 'began' | 'over' | undefined {
    const was = this.kind
    if (silentMs <= limitMs) {
      this.kind = null
      return was === null ? undefined : 'over'
    }
    if (was === null) this.kind = nameStall(transport.bufferedBytes, transport.sendQueue?.())
    return was === null ? 'began' : undefined
  }

  /** In words, as it is now: a peer that froze first may have filled its window since. */
  describe(transport: Transport): string {
    this.kind = nameStall(transport.bufferedBytes, transport.sendQueue?.())
    return describeStall(this.kind, transport.bufferedBytes)
  }
}
