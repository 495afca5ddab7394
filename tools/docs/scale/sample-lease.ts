import type { Lease } from '../../../packages/server/src/directory/index.ts'

/** A lease as a gateway of a large installation beats it. */
export function gatewayLease(links: number): Lease {
  return {
    node: 'gateway-1234',
    role: 'gateway',
    incarnation: 1_764_000_000_000,
    beat: 86_400,
    lifeMs: 3000,
    zone: 'zone-1',
    track: 'stable',
    version: '0.1.0',
    addresses: ['wss://gateway-1234.zone-1.quotes.example.com'],
    feeds: [{ feed: 'quote', generation: 12, pulseAgeMs: 212 }],
    load: { sessions: 10_123, sessionsMax: 20_000, busy: 0.512 },
    ready: true,
    draining: false,
    links: Array.from({ length: links }, (_, i) => ({
      node: `push-${i % 2 === 0 ? 'a' : 'b'}-${String(i).padStart(2, '0')}`,
      line: i % 2 === 0 ? 'A' : 'B',
      state: 'open' as const,
      pulseAgeMs: 187,
    })),
    vitals: { uptimeMs: 86_400_123, loopDelayMs: 12.345, memoryBytes: 812_345_678 },
    service: { opened: 123_456, disconnects: 1234, errors: 12, latencyCount: 123_456_789, latencySumMs: 1_234_567_890 },
  }
}
