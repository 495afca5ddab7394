import type { Directory } from '../directory/index.ts'
import type { GatewayPeer, Peers } from './balance.ts'

/** The other gateways of this one's zone and track that take sessions now, by their leases. */
export function leasedPeers(
  directory: Directory,
  self: { readonly id: string; readonly zone: string; readonly track: 'stable' | 'grey' },
): Peers {
  return () => {
    const peers: GatewayPeer[] = []
    for (const { lease, state, word } of directory.nodes.values()) {
      const { node, role, zone, track, ready, draining, addresses, load } = lease
      if (role !== 'gateway' || node === self.id || zone !== self.zone || track !== self.track) continue
      if (state !== 'live' || word !== 'online' || !ready || draining) continue
      peers.push({ node, sessions: load.sessions, addresses })
    }
    return peers
  }
}
