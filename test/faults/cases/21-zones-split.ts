import type { ClientRecorder } from '../../support/checker/client-recorder.ts'
import { faultCase } from '../rig/fault-case.ts'
import type { FaultRun } from '../rig/fault-run.ts'
import { isGrey, zoneOf } from '../rig/installation.ts'

const SPLIT_MS = 8_000
const EXCUSED_MS = 5_000
const HAND_OUT_MS_MAX = 3_000

export default faultCase({
  number: 21,
  name: 'two zones split',
  expected:
    'each zone serves on, and balancers hand out what they reach; neither then, nor where a zone loses its last push node of a track as well, does anybody get anything from the other track',
  bound: { detectMs: 3_000, recoverMs: EXCUSED_MS },
  timeLimitMs: 180_000,
  topology: { zones: true, grey: true, proxies: { links: true, probes: true } },
  async run(run) {
    const { gateways, allGateways, links, pushNodes } = run.installation
    const across = [...links].filter(([link]) => isAcross(link)).map(([, proxy]) => proxy)
    const leaks = new Set<string>()
    const atMs = run.nowMs
    for (const proxy of across) proxy.hold()
    const detected = await Promise.all(allGateways.map((gateway) => gateway.saidWithinMs('link_lost', atMs)))
    const within = (names: readonly string[], balancer: string) =>
      names.length > 0 && names.every((name) => zoneOf(name) === zoneOf(balancer))
    await run.untilHandedOut(within, 'each balancer hands out the gateways that it reaches', 20_000)
    const handedOutMs = run.nowMs - atMs
    await watch(run, SPLIT_MS, leaks)
    const moves = run.movesSince(atMs)

    // In reach of gw-2 there is now one push node, of the other track.
    const last = pushNodes.find(({ id }) => zoneOf(id) === 'z2')!
    const victims = run.clientsOf(gateways.find(({ id }) => zoneOf(id) === 'z2')!)
    const frozenAtMs = run.nowMs
    last.freeze()
    await watch(run, SPLIT_MS, leaks)
    last.thaw()
    const thawedAtMs = run.nowMs
    run.excuse(`${last.id} frozen in a zone that is cut off`, frozenAtMs, thawedAtMs - frozenAtMs + EXCUSED_MS, victims)
    await run.untilLive()
    const strandedMs = run.liveWithinMs(thawedAtMs, victims)

    const joinedAtMs = run.nowMs
    for (const proxy of across) proxy.clear()
    const linked = await Promise.all(allGateways.map((gateway) => gateway.saidWithinMs('link_open', joinedAtMs)))
    const wholeMs = await run.untilAllHandedOut(20_000)
    await watch(run, 3_000, leaks)
    return {
      detectMs: Math.max(...detected),
      recoverMs: Math.max(strandedMs, ...linked),
      failures: [
        ...(moves === 0 ? [] : [`${moves} clients had to move although their zone was whole`]),
        ...(victims.length > 0 ? [] : ['no client was served in z2']),
        ...(handedOutMs <= HAND_OUT_MS_MAX ? [] : [`what a balancer does not reach was handed out for ${Math.round(handedOutMs)} ms`]),
        ...leaks,
      ],
      notes: [
        `handed out by who reaches them after ${Math.round(handedOutMs)} ms, by all ${Math.round(wholeMs)} ms after the zones were linked again`,
        `${victims.length} clients whose gateway had lost the last push node of its track were live ${Math.round(strandedMs)} ms after that was back`,
      ],
    }
  },
})

/** Of a link `from/to`, whether its ends stand in different zones. */
function isAcross(link: string): boolean {
  const [from, to] = link.split('/') as [string, string]
  return zoneOf(from) !== zoneOf(to)
}

/** Lets time pass, and notes whatever crosses from one track to the other meanwhile. */
async function watch(run: FaultRun, forMs: number, leaks: Set<string>): Promise<void> {
  const untilMs = run.nowMs + forMs
  while (run.nowMs < untilMs) {
    for (const track of ['stable', 'grey'] as const) {
      const wrong = (await run.installation.handedOut(track)).flat().filter((name) => isGrey(name) !== (track === 'grey'))
      for (const name of wrong) leaks.add(`${name} was handed out to clients of the ${track} track`)
    }
    await run.pass(100)
  }
  for (const { id, lines } of run.installation.allGateways) {
    for (const { code, msg } of lines) {
      const push = code === 'link_open' ? / to (push-\S+) at /.exec(msg)?.[1] : undefined
      if (push !== undefined && isGrey(push) !== isGrey(id)) leaks.add(`${id} took from ${push}, of the other track`)
    }
  }
  for (const client of run.clients)
    for (const node of strangers(client)) leaks.add(`${client.id} was served by ${node}, of the other track`)
}

function strangers({ track, sessions }: ClientRecorder): string[] {
  return sessions.map(({ node }) => node).filter((node) => isGrey(node) !== (track === 'grey'))
}
