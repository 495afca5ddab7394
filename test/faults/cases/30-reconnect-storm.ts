import { Crowd } from '../rig/crowd.ts'
import { faultCase } from '../rig/fault-case.ts'
import { lengthMs } from '../rig/length.ts'

const STORM_MS_MAX = 30_000
const PROCESSES = 2

export default faultCase({
  number: 30,
  name: 'reconnect storm',
  expected: 'the gateway of very many clients is killed: all live elsewhere in time, none refused twice',
  bound: { recoverMs: STORM_MS_MAX },
  timeLimitMs: 300_000,
  topology: { balancers: 2, clients: 2, recordsPerSecond: 24 },
  async run(run) {
    const { installation } = run
    const [struck, refuge] = [installation.gateways[0]!, installation.gateways[1]!]
    const clients = lengthMs(5_000, 1_000)
    // So that the whole crowd comes to one gateway, the other is not there yet.
    run.excuse('gw-2 killed, for the crowd to gather at gw-1', run.nowMs, 10_000, run.clientsOf(refuge))
    await refuge.kill()
    await run.untilHandedOut((names) => names.join() === struck.id, 'only gw-1 is handed out', 20_000)
    await run.untilLive()
    const crowd = run.own(
      new Crowd(
        {
          clients,
          balancer: installation.balancers.map(({ port }) => `http://127.0.0.1:${port}`),
          symbols: run.symbols.quote,
          perSecond: 200,
        },
        PROCESSES,
      ),
    )
    await untilAllLive(crowd, clients, 120_000, (ms) => run.pass(ms))
    await refuge.start()
    await run.untilHandedOut((names) => names.includes(refuge.id), 'gw-2 is handed out again', 20_000)
    const before = await crowd.mark(struck.url)
    const atMs = run.nowMs
    run.excuse('gw-1 killed', atMs, STORM_MS_MAX)
    await struck.kill()
    await run.pass(1_000)
    const after = await untilAllLive(crowd, clients, 2 * STORM_MS_MAX, (ms) => run.pass(ms))
    await run.untilLive()
    const served = before.servedBy[struck.id] ?? 0
    return {
      recoverMs: Math.max(after.lastLiveAtMs - atMs, run.liveWithinMs(atMs)),
      failures: [
        ...(served >= clients * 0.5 ? [] : [`only ${served} of ${clients} clients were at gw-1 when it died`]),
        ...(after.struck >= served ? [] : [`${after.struck} clients noticed, of ${served} that were struck`]),
        ...(after.refusedTwice.length === 0
          ? []
          : [`${after.refusedTwice.length} clients were refused more than once: ${after.refusedTwice[0]}`]),
      ],
      notes: [`${served} of ${clients} clients were at gw-1 when it died; afterwards: ${JSON.stringify(after.servedBy)}`],
    }
  },
})

async function untilAllLive(crowd: Crowd, clients: number, deadlineMs: number, pass: (ms: number) => Promise<void>) {
  for (let leftMs = deadlineMs; ; leftMs -= 250) {
    const report = await crowd.report()
    if (report.live === clients) return report
    if (leftMs <= 0) throw new Error(`${report.live} of ${clients} clients of the crowd are live after ${deadlineMs} ms`)
    await pass(250)
  }
}
