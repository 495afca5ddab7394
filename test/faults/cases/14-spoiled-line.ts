import { faultCase } from '../rig/fault-case.ts'
import { lengthMs } from '../rig/length.ts'
import { preloaded } from '../rig/preload.ts'

export default faultCase({
  number: 14,
  name: 'one line gaps, repeats, reorders',
  expected: 'positions sort it out; nothing wrong reaches a client',
  bound: { recoverMs: 0 },
  topology: { env: (id) => (id === 'push-a1' ? preloaded('spoiled-reader') : {}) },
  async run(run) {
    const push = run.installation.pushNodes[0]!
    const atMs = run.nowMs
    push.process.signal('SIGUSR2')
    await push.saidWithinMs('spoiling', atMs)
    const untilMs = atMs + lengthMs(30_000, 12_000)
    const { topic } = run.feeds.find(({ name }) => name === 'trade')!
    while (run.nowMs < untilMs) {
      // Several records of a symbol at once: the other line has no head start.
      const symbol = run.symbols.trade[Math.floor(Math.random() * run.symbols.trade.length)]!
      await run.producer.append(
        topic,
        Array.from({ length: 6 }, () => run.producer.record(symbol)),
      )
      await run.pass(50)
    }
    const endMs = run.nowMs
    push.process.signal('SIGUSR2')
    await push.saidWithinMs('spoiled', endMs)
    const done = push.lines.findLast(({ code }) => code === 'spoiled')!.msg
    const { omitted, repeated, swapped } = JSON.parse(done) as Record<'omitted' | 'repeated' | 'swapped', number>
    await run.pass(2_000)
    return {
      recoverMs: run.liveWithinMs(atMs),
      failures: Math.min(omitted, repeated, swapped) > 0 ? [] : ['nothing was spoiled'],
      notes: [`line A: ${omitted} records left out, ${repeated} batches repeated, ${swapped} swapped`],
    }
  },
})
