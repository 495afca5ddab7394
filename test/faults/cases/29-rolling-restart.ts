import { faultCase } from '../rig/fault-case.ts'

export default faultCase({
  number: 29,
  name: 'rolling restart of everything',
  expected: 'drained; no stale flag, no missed update',
  bound: { recoverMs: 0 },
  timeLimitMs: 240_000,
  async run(run) {
    const { pulses, pushNodes, gateways } = run.installation
    const atMs = run.nowMs
    const failures: string[] = []
    const restart = async (node: (typeof pulses)[number]): Promise<void> => {
      const code = await node.terminate()
      if (code !== 0) failures.push(`${node.id} ended with ${code}`)
      await node.start()
    }
    for (const pulse of pulses) await restart(pulse)
    for (const push of pushNodes) {
      await restart(push)
      const backAtMs = run.nowMs
      await Promise.all(gateways.map((gateway) => gateway.saidWithinMs('link_open', backAtMs - 5_000)))
      // Until its gateways have everything from it: the next one may not go before.
      await run.pass(2_000)
    }
    for (const gateway of gateways) {
      await restart(gateway)
      await gateway.saidWithinMs('link_open', 0)
      await run.pass(2_000)
    }
    return { recoverMs: run.liveWithinMs(atMs), failures, notes: [`${run.movesSince(atMs)} moves of ${run.clients.length} clients`] }
  },
})
