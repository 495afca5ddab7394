import type { Lease } from '../../packages/server/src/directory/index.ts'

/** A lease as a node of that role might beat it. */
export function testLease(node: string, options: Partial<Lease> = {}): Lease {
  return {
    node,
    role: 'gateway',
    incarnation: 1,
    beat: 1,
    lifeMs: 3000,
    zone: 'default',
    track: 'stable',
    version: '0.1.0',
    addresses: [`ws://${node}:8080`],
    feeds: [],
    load: { sessions: 0, sessionsMax: 1000, busy: 0 },
    ready: true,
    draining: false,
    ...options,
  }
}
