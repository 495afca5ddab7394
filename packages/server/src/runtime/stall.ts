import type { SendQueue } from './send-queue.ts'

/**
 * Why a peer takes or says nothing:
 * - `zero_window`: its host holds all that its window allows, and the process reads nothing of it.
 * - `frozen_peer`: its host has taken everything and the process answers nothing: stopped, or stuck.
 * - `half_open`: not even its host acknowledges what is sent: it, or the line, is gone.
 */
export type StallKind = 'zero_window' | 'frozen_peer' | 'half_open'

export type StallCounts = Record<StallKind, number>

export function noStalls(): StallCounts {
  return { zero_window: 0, frozen_peer: 0, half_open: 0 }
}

/**
 * Names the stall of a connection over which something was sent that should have been answered.
 * @param bufferedBytes what the kernel has not taken of it.
 * @param queue what the kernel says. Where it says nothing, a half-open connection cannot be told from a frozen peer.
 */
export function nameStall(bufferedBytes: number, queue: SendQueue | undefined): StallKind {
  if (queue?.zeroWindow === true) return 'zero_window'
  if (queue !== undefined && queue.bytes > 0 && queue.retransmits > 0) return 'half_open'
  return bufferedBytes > 0 ? 'zero_window' : 'frozen_peer'
}

/** For close reasons and logs: short enough for a close frame. */
export function describeStall(kind: StallKind, bufferedBytes: number): string {
  if (kind === 'half_open') return 'half-open: not even its host acknowledges anything'
  if (kind === 'frozen_peer') return 'frozen peer: its host took all, it acknowledges nothing'
  return `zero window: it reads nothing, ${bufferedBytes} bytes wait here`
}
