import type { LogAppend } from '@pulsewire/server'
import { faultCase } from '../rig/fault-case.ts'

const HUGE_BYTES = 10 * 1024 * 1024

export default faultCase({
  number: 13,
  name: 'poison records',
  expected: 'counted, sampled, skipped; neighbours unharmed',
  bound: { recoverMs: 0 },
  inTests: true,
  topology: { topic: { 'max.message.bytes': String(2 * HUGE_BYTES) } },
  async run(run) {
    const atMs = run.nowMs
    const symbol = run.symbols.quote[0]!
    const poison: readonly LogAppend[] = [
      { key: symbol, value: new Uint8Array([0xff, 0xfe, 0, 1, 2]) },
      { key: symbol, value: '{"last":' },
      { key: symbol, value: '[1,2,3]' },
      { key: symbol, value: '42' },
      { key: null, value: '{"last":1}' },
      { key: '', value: '{"last":1}' },
      { key: new Uint8Array([0xff, 0xc0]), value: '{"last":1}' },
      { key: 'A\u0007', value: '{"last":1}' },
      { key: '\u0000pulsewire.pulse', value: 'no pulse' },
      { key: symbol, value: 'x'.repeat(HUGE_BYTES) },
    ]
    const topics = run.feeds.map(({ topic }) => topic)
    for (const topic of topics) for (const record of poison) await run.shared.log.append(topic, [record])
    // Lines about poison are rate-limited: a later one carries the counts of all.
    await run.pass(6_000)
    for (const topic of topics) await run.shared.log.append(topic, [poison[0]!])
    await run.pass(2_000)
    const failures = run.installation.pushNodes.flatMap(({ id, lines }) =>
      run.feeds.flatMap(({ name }) => {
        const line = lines.findLast((each) => each.code === 'poison_record' && each['feed'] === name)
        if (line === undefined) return [`${id} said nothing of poison in ${name}`]
        const counts = line['counts'] as Record<string, number>
        const expected = { no_key: 2, bad_key: 2, undecodable: 5, oversize: 1, bad_pulse: 1 }
        return Object.entries(expected).flatMap(([kind, count]) =>
          counts[kind] === count ? [] : [`${id} counted ${counts[kind]} of ${kind} in ${name}, not ${count}`],
        )
      }),
    )
    return { recoverMs: run.liveWithinMs(atMs), failures }
  },
})
