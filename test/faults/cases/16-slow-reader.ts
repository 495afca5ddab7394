import { readFileSync } from 'node:fs'
import { ClientRecorder } from '../../support/checker/client-recorder.ts'
import { TcpProxy } from '../../support/proxy/index.ts'
import { faultCase } from '../rig/fault-case.ts'

const BYTES_PER_SECOND = 1_024
const GROWTH_BYTES_MAX = 64 * 1024 * 1024
/** What may be on its way to a line of this width, in time: the sender aims at one second, buffers hold some more. */
const SHOWN_AGE_MS_MAX = 15_000

export default faultCase({
  number: 16,
  name: 'slow reader',
  expected: 'a client behind 1 KB/s: bounded memory, newest images, no cut while it progresses',
  bound: {},
  timeLimitMs: 180_000,
  topology: { clients: 6, recordsPerSecond: 240 },
  async run(run) {
    const gateway = run.installation.gateways[0]!
    const residentBytes = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.process.child.pid}/status`, 'utf8'))![1]) * 1024
    await using line = await TcpProxy.listen({ port: gateway.port })
    const everything = [{ feed: 'quote', delivery: 'latest' as const, patterns: ['*'] }]
    // Not of those that the checker looks at: it is stale most of the time, and says so.
    await using slow = new ClientRecorder('slow', { url: line.url, encoding: 'json' }, everything)
    await run.until(() => slow.live, 'the slow reader is live', 10_000)
    const [events, atMs, beforeBytes] = [slow.views[0]!.events, run.nowMs, residentBytes()]
    line.down.set({ bytesPerSecond: BYTES_PER_SECOND })
    await run.pass(60_000)
    const grownBytes = residentBytes() - beforeBytes
    // What it was shown last was the newest not long ago.
    const lastUpdates = events.filter((event) => event.kind === 'update' && event.atMs > run.nowMs - 10_000)
    const acknowledged = run.producer.acknowledgedMs.get(run.feeds[0]!.topic)!
    const ages = lastUpdates.map((event) =>
      event.kind === 'update' ? event.atMs - (acknowledged.get(event.position.split(':').slice(1).join(':')) ?? Number.NaN) : 0,
    )
    const oldestMs = Math.max(...ages)
    const pulseAgesMs = slow.client.freshness('quote').map(({ ageMs = Infinity }) => ageMs)
    const cut = gateway.count('session_closed', atMs)
    return {
      failures: [
        ...(cut === 0 && slow.sessions.length === 1 ? [] : [`it was cut: ${slow.sessions.length} sessions, ${cut} closed by the gateway`]),
        ...(grownBytes < GROWTH_BYTES_MAX ? [] : [`the gateway grew by ${Math.round(grownBytes / 1e6)} MB`]),
        ...(lastUpdates.length > 0 ? [] : ['nothing came in the last 10 s']),
        ...(Math.max(...pulseAgesMs) < SHOWN_AGE_MS_MAX ? [] : [`its pulses are ${pulseAgesMs.map(Math.round).join(', ')} ms old`]),
        ...(oldestMs < SHOWN_AGE_MS_MAX ? [] : [`an update was ${Math.round(oldestMs)} ms old when it came`]),
      ],
      notes: [
        `${lastUpdates.length} updates in the last 10 s, the oldest ${Math.round(oldestMs)} ms old, its pulses up to ${Math.round(Math.max(...pulseAgesMs))}; the gateway grew by ${(grownBytes / 1e6).toFixed(1)} MB; told slow: ${gateway.count('slow', atMs)}`,
      ],
    }
  },
})
