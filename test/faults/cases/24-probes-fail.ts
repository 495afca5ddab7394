import { faultCase } from '../rig/fault-case.ts'
import { FAULTS_ENABLED, orderFault } from '../rig/ordered-fault.ts'

export default faultCase({
  number: 24,
  name: 'every probe fails at once',
  expected: 'the last known good are handed out, marked degraded; no client notices',
  bound: { detectMs: 3_000, recoverMs: 3_000 },
  topology: { balancers: 2, env: (id) => (id.startsWith('lb-') ? FAULTS_ENABLED : {}) },
  async run(run) {
    const { installation } = run
    const { balancers, gateways } = installation
    const all = gateways.map(({ id }) => id).join()
    const wrong: string[] = []
    const untilDegraded = async (degraded: boolean, sinceMs: number): Promise<number> => {
      for (;;) {
        const answers = await installation.answers()
        const atMs = run.nowMs
        for (const answer of answers) {
          const names = (answer?.gateways ?? []).map(({ node }) => node).sort()
          // Probes fail, and come back, one after the other: meanwhile those that are proven are handed out.
          if (names.length === 0 || (answer?.degraded === true && names.join() !== all))
            wrong.push(`handed out: ${names.join() || 'nobody'}`)
        }
        if (answers.every((answer) => answer?.degraded === degraded)) return atMs - sinceMs
        if (atMs - sinceMs > 20_000) throw new Error(`degraded is not ${degraded} within 20 s: ${JSON.stringify(answers)}`)
        await run.pass(20)
      }
    }
    const atMs = run.nowMs
    await Promise.all(balancers.map((balancer) => orderFault(balancer, 'break-probes')))
    const detectMs = await untilDegraded(true, atMs)
    const reasons = (await installation.answers()).flatMap((answer) => (answer?.reasons ?? []).map(({ code }) => code))
    // Longer than pulses count, and than the failures of different probes may lie apart.
    const brokenUntilMs = run.nowMs + 8_000
    while (run.nowMs < brokenUntilMs) {
      await untilDegraded(true, run.nowMs)
      await run.pass(100)
    }
    const mendedAtMs = run.nowMs
    await Promise.all(balancers.map((balancer) => orderFault(balancer, 'mend-probes')))
    const recoverMs = await untilDegraded(false, mendedAtMs)
    return {
      detectMs,
      recoverMs,
      failures: [
        ...new Set(wrong),
        ...(reasons.length > 0 && reasons.every((code) => code === 'probes_failed') ? [] : [`the reasons are ${reasons.join() || 'none'}`]),
        ...(run.liveWithinMs(atMs) === 0 && run.movesSince(atMs) === 0 ? [] : ['a client noticed']),
      ],
      notes: [`both gateways handed out, marked, for ${Math.round((mendedAtMs - atMs) / 1000)} s`],
    }
  },
})
