import { type Fleet, LEVEL } from './fault.ts'
import type { Faults } from './faults.ts'
import type { WatchedHop } from './taps.ts'

/** Once the next pulse has come, with what travel and hiccups take. */
const REPAIRED_WITHIN_MS = 5_000
const TRAVEL_MS = 2_000
const LOOK_EVERY_MS = 500

/** P6: where a frame was lost, or a row kept, both ends hold the same set again in time, unless something else is wrong. */
export class RepairCheck {
  readonly #fleet: Fleet
  readonly #faults: () => Faults

  constructor(fleet: Fleet, faults: () => Faults) {
    this.#fleet = fleet
    this.#faults = faults
  }

  /** From now on until both are the same, or the session or the peace is over. */
  readonly watch = (hop: WatchedHop): void => {
    const { kernel, report } = this.#fleet.world
    const sinceMs = kernel.nowMs
    const withinMs = REPAIRED_WITHIN_MS + TRAVEL_MS + (hop.monitor.welcome?.pulseIntervalMs ?? 0)
    const look = () => {
      const difference = differenceOf(this.#fleet, hop)
      if (!hop.open || difference === undefined || this.#isDisturbed(hop, sinceMs)) return
      if (kernel.nowMs - sinceMs >= withinMs) report('P6', `${difference}, for ${withinMs} ms by now`)
      else kernel.after(LOOK_EVERY_MS, look)
    }
    // What was lost makes its difference once it has travelled.
    kernel.after(LOOK_EVERY_MS, look)
  }

  #isDisturbed({ options }: WatchedHop, sinceMs: number): boolean {
    const ends = [options.receiver, options.sender]
    return this.#faults()
      .sinceOfAll(sinceMs)
      .some(({ loses, level, touches }) => !loses && (level < LEVEL.push || touches.some((id) => ends.includes(id))))
  }
}

/** In what both ends of a session differ; `undefined`: they do not, or one of them is gone. */
export function differenceOf({ gateways, pushNodes }: Fleet, { monitor, options }: WatchedHop): string | undefined {
  const node = [...gateways, ...pushNodes].find(({ id }) => id === options.sender)
  const session = [...(node?.node?.sessions ?? [])].find(({ id }) => id === monitor.welcome?.session)
  if (session === undefined || session.symbols === monitor.rows.size) return undefined
  return `${options.receiver} holds ${monitor.rows.size} rows of ${options.sender}, which holds ${session.symbols}`
}
