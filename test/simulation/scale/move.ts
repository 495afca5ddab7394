/** One gateway of two freezes, and all of its clients come to the other one. */
import { ScaleFleet, type ScaleOptions } from './fleet.ts'

/** Lists that balancers gave when clients came are used without asking again for 10 s. Of a crowd that came before that all ask. */
const LISTS_OLD_MS = 15_000
/** Long enough for whoever comes at all. */
const MOVE_MS = 30_000

export interface MoveReport {
  readonly clients: number
  /** From the freeze until the last of them was served again. */
  readonly lastMs: number
  /** Those that the gateway that is left did not let in at first. */
  readonly refused: number
}

export function playMove(options: ScaleOptions): MoveReport {
  const fleet = new ScaleFleet(options)
  fleet.fill()
  fleet.run(LISTS_OLD_MS)
  const startMs = fleet.kernel.nowMs
  fleet.freezeGateway(fleet.park.gateways[0]!)
  fleet.run(MOVE_MS)
  return {
    clients: fleet.clients.length,
    lastMs: Math.max(...fleet.clients.map(({ servedAtMs }) => servedAtMs)) - startMs,
    refused: fleet.clients.filter(({ refusals }) => refusals > 0).length,
  }
}
