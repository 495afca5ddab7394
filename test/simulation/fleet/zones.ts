/** Two data centres: line A and everything numbered 1 stand in one, line B and everything numbered 2 in the other. */
export const ZONES = ['z1', 'z2'] as const
export type Zone = (typeof ZONES)[number]

/** Of a fleet with zones, where a node or client stands. */
export function zoneOf(id: string): Zone {
  return id.startsWith('push-b') || (!id.startsWith('push-') && Number(id.at(-1)) % 2 === 0) ? 'z2' : 'z1'
}
