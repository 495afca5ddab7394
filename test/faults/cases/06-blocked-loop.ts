import { faultCase } from '../rig/fault-case.ts'
import { FAULTS_ENABLED, orderFault, superviseOnce } from '../rig/ordered-fault.ts'
import { exitCode } from '@pulsewire/server'

export default faultCase({
  number: 6,
  name: 'event loop blocked',
  expected: 'the watchdog reports the stack of what spins, ends the process, and it is started again; the other line covers',
  bound: { detectMs: 2_000, recoverMs: 10_000 },
  topology: { env: (id) => (id === 'push-a1' ? FAULTS_ENABLED : {}) },
  async run(run) {
    const push = run.installation.pushNodes[0]!
    const atMs = run.nowMs
    await orderFault(push, 'block?ms=60000')
    const detectMs = await push.saidWithinMs('event_loop_blocked', atMs)
    const named = push.lines.find(({ code }) => code === 'event_loop_blocked')!.msg
    const code = await superviseOnce(push)
    const recoverMs = run.nowMs - atMs
    await run.pass(3_000)
    return {
      detectMs,
      recoverMs: Math.max(recoverMs, run.liveWithinMs(atMs)),
      failures: [
        ...(named.includes('at faultSpins (') ? [] : [`what spins is not named: ${named}`]),
        ...(code === exitCode('blocked') ? [] : [`the exit code is ${code}, not ${exitCode('blocked')}`]),
        ...(run.liveWithinMs(atMs) === 0 ? [] : ['a client was not live although line B was well']),
      ],
      notes: [named],
    }
  },
})
