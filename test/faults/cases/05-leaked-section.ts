import { faultCase } from '../rig/fault-case.ts'
import { FAULTS_ENABLED, orderFault, superviseOnce } from '../rig/ordered-fault.ts'
import { exitCode } from '@pulsewire/server'

export default faultCase({
  number: 5,
  name: 'a leaked exclusive section',
  expected: 'the stage and its holder are named, the node is unready, reports, ends and is started again; the other line covers',
  bound: { detectMs: 3_000, recoverMs: 15_000 },
  topology: { env: (id) => (id === 'push-a1' ? FAULTS_ENABLED : {}) },
  async run(run) {
    const push = run.installation.pushNodes[0]!
    const atMs = run.nowMs
    await orderFault(push, 'leak?section=intake%20quote')
    const detectMs = await push.saidWithinMs('stage_stuck', atMs)
    const named = push.lines.find(({ code }) => code === 'stage_stuck')!.msg
    const ready = await fetch(`http://127.0.0.1:${push.port}/ready`)
    const live = await fetch(`http://127.0.0.1:${push.port}/live`)
    const code = await superviseOnce(push)
    const recoverMs = run.nowMs - atMs
    await run.pass(3_000)
    return {
      detectMs,
      recoverMs: Math.max(recoverMs, run.liveWithinMs(atMs)),
      failures: [
        ...(/stage intake quote .* a fault that was ordered/.test(named) ? [] : [`stage and holder are not named: ${named}`]),
        ...(ready.status === 503 && live.status === 200 ? [] : [`/ready answers ${ready.status}, /live ${live.status}`]),
        ...(code === exitCode('stuck') ? [] : [`the exit code is ${code}, not ${exitCode('stuck')}`]),
        ...(run.liveWithinMs(atMs) === 0 ? [] : ['a client was not live although line B was well']),
      ],
      notes: [named],
    }
  },
})
