/** Pulsewire as a peer of the benchmark. Empty until its server processes can be started. */
import type { Load } from './loads.ts'
import type { Peer } from './peers.ts'

/** How long Pulsewire collects updates for a session that is not idle, by default. */
export const FLUSH_MS = 10

export const pulsewirePeers: readonly Peer[] = []

/** Rates can be limited by Pulsewire only, and intake is measured on it alone. */
export function takesPart(peer: Peer, load: Load): boolean {
  return load === 'E' ? pulsewirePeers.includes(peer) : load === 'C' ? peer.limitsRate : true
}
