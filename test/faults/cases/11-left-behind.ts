import type { VerdictsAnswer } from '@pulsewire/server'
import { PulsewireCommand } from '../../support/pulsewire-command.ts'
import { faultCase } from '../rig/fault-case.ts'

const VERDICT_MS = 3_000

async function isRefused(port: number, id: string): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/verdicts`)
  const { verdicts } = (await response.json()) as VerdictsAnswer
  return verdicts.some(({ node, reasons }) => node === id && reasons.some(({ code }) => code === 'generation_retired'))
}

export default faultCase({
  number: 11,
  name: 'feed moved, an old node left behind',
  expected: 'named as a zombie with version and address, neither believed nor handed out; nothing missed or stale',
  bound: { detectMs: 3_000, recoverMs: 0 },
  timeLimitMs: 180_000,
  topology: { balancers: 1, copies: true, pinned: true },
  async run(run) {
    const { gateways, pushNodes, controlTopic, balancers } = run.installation
    const old = run.installation.pinned!
    const atMs = run.nowMs
    const where = ['--brokers', run.shared.kafka.brokers.join(','), '--set', `directory.topic=${controlTopic}`]
    const moves = run.feeds.map(
      ({ name, copiedTo }) => new PulsewireCommand(['feed', 'migrate', name, '--topic', copiedTo!.topic, ...where]),
    )
    await Promise.all(moves.map((move) => move.ends()))
    const failures: string[] = []
    const switched = pushNodes.flatMap(({ lines }) => lines.filter(({ code }) => code === 'generation_switched'))
    const due = pushNodes.length * run.feeds.length
    if (switched.length !== due) failures.push(`push nodes say ${switched.length} times that they have moved, not ${due} times`)
    const movedAtMs = Math.max(...switched.map(({ receivedAtMs }) => receivedAtMs))
    // Of a node that serves nothing else the link is ended; of one that does, its word on the feed is not believed.
    const isNamed = ({ code, msg }: { readonly code: string; readonly msg: string }) =>
      (code === 'link_removed' || code === 'upstream_outdated') &&
      new RegExp(`${old.id}.*:${old.port}.*version \\d|${old.id}.*version \\d.*:${old.port}`).test(msg)
    const noticedAtMs = await Promise.all(gateways.map(async (gateway) => atMs + (await gateway.saidWithinMs(isNamed, atMs))))
    const settledAtMs = run.nowMs
    while (!(await isRefused(balancers[0]!.port, old.id))) {
      if (run.nowMs - settledAtMs > VERDICT_MS) {
        failures.push(`the balancer has nothing against ${old.id} after ${VERDICT_MS} ms`)
        break
      }
      await run.pass(50)
    }
    const verdictMs = run.nowMs - settledAtMs
    const shown = await new PulsewireCommand(['feed', 'show', 'trade', ...where]).ends()
    if (!new RegExp(`left behind: ${old.id} \\(version [^,]+, ws://[^)]*:${old.port}\\)`).test(shown)) failures.push(`feed show: ${shown}`)
    await run.pass(4_000)
    return {
      detectMs: Math.max(0, ...noticedAtMs.map((noticed) => noticed - movedAtMs)),
      recoverMs: run.liveWithinMs(atMs),
      failures,
      notes: [`the balancer named it ${Math.round(verdictMs)} ms after the command had ended`],
    }
  },
})
