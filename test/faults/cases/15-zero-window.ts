import { ClientRecorder } from '../../support/checker/client-recorder.ts'
import { TcpProxy } from '../../support/proxy/index.ts'
import { faultCase } from '../rig/fault-case.ts'
import { noticesStall } from '../rig/stalls.ts'
import { latenciesMs, quantile } from '../rig/latency.ts'

const WINDOW_MS = 12_000
/**
 * The sender holds back what is not acknowledged, so a host seldom has so much that its window closes. Where it says that it
 * has no room, its line is well, and 4 s are enough; where it has taken all, that may as well be a thin line or a tunnel: 15 s.
 * The first pulse that goes unanswered comes up to a second after the fault.
 */
const CUT_MS_MAX = { zeroWindow: 6_500, other: 17_500 }
/** Of a p99 of a few milliseconds, 5 % is less than what one turn of a busy machine costs. */
const NOISE_MS = 5

export default faultCase({
  number: 15,
  name: 'zero window',
  expected: 'a client, and a gateway, that stop reading: conflated, then cut with the reason; p99 of the others within 5 %',
  bound: { detectMs: 5_000, recoverMs: 5_000 },
  timeLimitMs: 180_000,
  topology: { clients: 12, proxies: { links: true } },
  async run(run) {
    const { gateways, pushNodes, links } = run.installation
    const [gateway, push] = [gateways[0]!, pushNodes[0]!]
    await using line = await TcpProxy.listen({ port: gateway.port })
    const everything = [{ feed: 'quote', delivery: 'latest' as const, patterns: ['*'] }]
    // Not of those that the checker looks at: its own window is closed, and it knows no other gateway.
    await using victim = new ClientRecorder('victim', { url: line.url }, everything)
    await run.until(() => victim.live, 'the victim is live', 10_000)
    await run.pass(WINDOW_MS)
    const beforeMs = run.nowMs
    await run.pass(WINDOW_MS)
    const atMs = run.nowMs
    line.down.set({ stopped: true })
    links.get(`${gateway.id}/${push.id}`)!.down.set({ stopped: true })
    const stalledOf = (node: typeof gateway) => node.saidWithinMs(noticesStall, atMs)
    const [clientStalledMs, linkStalledMs] = await Promise.all([stalledOf(gateway), stalledOf(push)])
    // A gateway that hears nothing leaves by itself, before its push node cuts it.
    const [clientCutMs, linkCutMs] = await Promise.all([
      gateway.saidWithinMs('session_closed', atMs),
      gateway.saidWithinMs('link_lost', atMs),
    ])
    await run.pass(Math.max(0, WINDOW_MS - (run.nowMs - atMs)))
    const endMs = run.nowMs
    line.clear()
    links.get(`${gateway.id}/${push.id}`)!.clear()
    await run.until(() => victim.live, 'the victim is live again', 10_000)
    const victimMs = run.nowMs - endMs
    const linkMs = await gateway.saidWithinMs('link_open', endMs - WINDOW_MS)
    const p99 = (fromMs: number, untilMs: number) => quantile(latenciesMs(run, fromMs, untilMs), 0.99)
    const [usual, before, during] = [p99(beforeMs - WINDOW_MS, beforeMs), p99(beforeMs, atMs), p99(atMs, atMs + WINDOW_MS)]
    const allowed = Math.max(usual, before) * 1.05 + Math.abs(usual - before) + NOISE_MS
    const closed = [gateway, push].flatMap(({ lines }) =>
      lines.filter(({ code, receivedAtMs }) => code === 'session_closed' && receivedAtMs >= atMs),
    )
    return {
      detectMs: Math.max(clientStalledMs, linkStalledMs),
      recoverMs: Math.max(victimMs, run.liveWithinMs(atMs)),
      failures: [
        ...(during <= allowed
          ? []
          : [`p99 of the others was ${during.toFixed(1)} ms, before that ${usual.toFixed(1)} and ${before.toFixed(1)} ms`]),
        ...(clientCutMs <= CUT_MS_MAX[/zero window/.test(closed[0]?.msg ?? '') ? 'zeroWindow' : 'other']
          ? []
          : [`a client that reads nothing was cut after ${Math.round(clientCutMs)} ms: ${closed[0]?.msg}`]),
        ...closed
          .filter(({ msg }) => !/takes nothing|acknowledges nothing|zero window|frozen peer|half.open/.test(msg))
          .map(({ msg }) => `cut without the reason: ${msg}`),
      ],
      notes: [
        `named after ${Math.round(clientStalledMs)} ms (client) and ${Math.round(linkStalledMs)} ms (gateway); cut after ${Math.round(clientCutMs)} (client), link left after ${Math.round(linkCutMs)} ms; linked again after ${Math.round(linkMs)} ms`,
        `p99 of the others: ${usual.toFixed(1)} and ${before.toFixed(1)} ms before, ${during.toFixed(1)} ms during`,
      ],
    }
  },
})
