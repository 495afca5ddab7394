import type { ClientRecorder } from '../../support/checker/client-recorder.ts'
import { faultCase, type Measured } from '../rig/fault-case.ts'
import type { FaultRun } from '../rig/fault-run.ts'
import { zoneOf } from '../rig/installation.ts'

const EXCUSED_MS = 30_000
/** How often clients ask balancers anew, about; 300 s unless said otherwise. They come back over this time. */
const RENEW_MS = 10_000
/** Whoever comes back within less than this came as a storm. */
const SPREAD_MIN_MS = RENEW_MS / 5

export default faultCase({
  number: 22,
  name: 'a zone lost, and back again',
  expected:
    'frozen or killed, the other takes every client; its own notice nothing; once it is there again its clients come back, slowly and without a flag',
  bound: { detectMs: 3_000, recoverMs: EXCUSED_MS },
  timeLimitMs: 300_000,
  topology: { balancers: 2, zones: true, gatewaysRenewMs: RENEW_MS },
  async run(run) {
    const lost = run.installation.nodes.filter(({ id }) => zoneOf(id) === 'z1')
    const frozen = await loseZone(run, 'frozen', {
      strike: async () => lost.forEach((node) => node.freeze()),
      heal: async () => lost.forEach((node) => node.thaw()),
    })
    const killed = await loseZone(run, 'killed', {
      strike: async () => void (await Promise.all(lost.map((node) => node.kill()))),
      heal: async () => void (await Promise.all(lost.map((node) => node.start()))),
    })
    const both = [frozen, killed]
    return {
      detectMs: both.some(({ detectMs }) => detectMs === undefined) ? undefined : Math.max(...both.map(({ detectMs }) => detectMs!)),
      recoverMs: Math.max(...both.map(({ recoverMs }) => recoverMs!)),
      failures: both.flatMap(({ failures = [] }) => failures),
      notes: both.flatMap(({ notes = [] }) => notes),
    }
  },
})

async function loseZone(
  run: FaultRun,
  how: string,
  { strike, heal }: { readonly strike: () => Promise<void>; readonly heal: () => Promise<void> },
): Promise<Measured> {
  const { gateways } = run.installation
  const [away, there] = [gateways.find(({ id }) => zoneOf(id) === 'z1')!, gateways.find(({ id }) => zoneOf(id) === 'z2')!]
  const victims = run.clientsOf(away)
  const strangers = run.clients.filter((client) => (client.zone === 'z1') !== victims.includes(client))
  const atMs = run.nowMs
  run.excuse(`zone z1 ${how}`, atMs, EXCUSED_MS, victims)
  await strike()
  await run.pass(12_000)
  await run.untilLive(EXCUSED_MS)
  const elsewhere = run.clients.length - run.clientsOf(there).length
  const detectMs = run.noticedWithinMs(atMs, victims)
  const recoverMs = run.liveWithinMs(atMs, victims)
  const healedAtMs = run.nowMs
  await heal()
  await run.until(() => victims.every(({ node }) => node === away.id), 'every client of z1 is back there', 90_000)
  const { firstMs, lastMs, mostInSecond } = returns(victims, healedAtMs)
  await run.pass(3_000)
  const seconds = (ms: number) => (ms / 1000).toFixed(1)
  return {
    detectMs,
    recoverMs,
    failures: [
      ...(victims.length > 0 ? [] : ['no client was served in the zone']),
      ...(strangers.length === 0 ? [] : [`${strangers.length} clients were not served in their zone`]),
      ...(elsewhere === 0 ? [] : [`${elsewhere} clients are not at ${there.id}`]),
      ...(lastMs - firstMs >= SPREAD_MIN_MS ? [] : [`all came back within ${Math.round(lastMs - firstMs)} ms`]),
    ],
    notes: [
      `${how}: ${victims.length} of ${run.clients.length} clients moved, noticed after ${seconds(detectMs ?? NaN)} s, live after ${seconds(recoverMs)} s; back ${seconds(firstMs)} to ${seconds(lastMs)} s after it was healed, at most ${mostInSecond} in a second`,
    ],
  }
}

/** When the clients came to the gateway that serves them now, counted from then. */
function returns(clients: readonly ClientRecorder[], sinceMs: number) {
  const times = clients.map(({ sessions }) => sessions.at(-1)!.atMs - sinceMs).sort((a, b) => a - b)
  const mostInSecond = Math.max(...times.map((from) => times.filter((ms) => ms >= from && ms < from + 1000).length))
  return { firstMs: times[0]!, lastMs: times.at(-1)!, mostInSecond }
}
