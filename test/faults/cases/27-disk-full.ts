import { readdirSync } from 'node:fs'
import { faultCase } from '../rig/fault-case.ts'
import { FAULTS_ENABLED, orderFault } from '../rig/ordered-fault.ts'
import { SmallDisk } from '../rig/small-disk.ts'

const NODE = 'push-a1'
const HOST = '127.0.0.1'
/** Each session that breaks the protocol is a line of the log. */
const LINES = 200

let disk: SmallDisk | undefined

export default faultCase({
  number: 27,
  name: 'disk full for logs and reports',
  expected: 'a push node whose disk is full serves on; lost lines are counted, and told as soon as there is room',
  bound: { detectMs: 1_000, recoverMs: 0 },
  needs: 'namespaces',
  topology: {
    env: (id): Record<string, string> =>
      id === NODE ? { ...FAULTS_ENABLED, PULSEWIRE_LOGGING_LEVEL: 'debug', PULSEWIRE_WATCHDOG_REPORTS_DIRECTORY: theDisk().reports } : {},
    within: (id) => (id === NODE ? { command: theDisk().command, host: HOST, peersAt: HOST } : undefined),
  },
  async run(run) {
    if (!theDisk().isMounted) throw new Error('needs to mount a small file system, and may not')
    const push = run.installation.pushNodes.find(({ id }) => id === NODE)!
    const atMs = run.nowMs
    theDisk().fill()
    for (let i = 0; i < LINES; i++) await comeAndGo(push.url)
    // A report that finds no room.
    await orderFault(push, 'block?ms=2000')
    await run.pass(5_000)
    const said = push.count('session_closed', atMs)
    const reports = readdirSync(theDisk().reports).length
    const freedAtMs = run.nowMs
    theDisk().empty()
    await comeAndGo(push.url)
    const detectMs = await push.saidWithinMs('log_lines_dropped', freedAtMs)
    const { msg } = push.lines.find(({ code }) => code === 'log_lines_dropped')!
    await run.pass(1_000)
    return {
      detectMs,
      recoverMs: run.liveWithinMs(atMs),
      failures: [
        ...(push.process.child.exitCode === null ? [] : ['the node died']),
        ...(said < LINES ? [] : ['every line found room: the disk was not full']),
        ...(/^\d+ log lines were lost: ENOSPC$/.test(msg) ? [] : [`what was lost is not told: ${msg}`]),
        ...(reports === 0 ? [] : [`${reports} reports found room`]),
      ],
      notes: [msg],
    }
  },
  cleanUp() {
    disk?.[Symbol.dispose]()
    disk = undefined
  },
})

function theDisk(): SmallDisk {
  disk ??= new SmallDisk()
  return disk
}

/** A receiver that breaks the protocol at once. */
async function comeAndGo(url: string): Promise<void> {
  const socket = new WebSocket(`${url}/v1/stream`, ['pulsewire.json.v1'])
  socket.onopen = () => socket.send('no hello')
  await new Promise<void>((resolve) => {
    socket.onclose = () => resolve()
  })
}
