import { Session } from 'node:inspector/promises'
import { getHeapSnapshot, getHeapStatistics } from 'node:v8'
import { setTimeout as sleep } from 'node:timers/promises'
import { newestReport } from '../runtime/watchdog/report-files.ts'
import { CPU_SECONDS, CPU_SECONDS_MAX, SNAPSHOT_MB_MAX, snapshotRefusal } from '../runtime/watchdog/answer-limits.ts'
import { type Answer, AskError, numberOf } from './answer.ts'
import { type CpuProfile, hottestStacks } from './hottest-stacks.ts'

export interface ProcessFacts {
  /** Stages with their holders, memory, event-loop delay, open resources; `null` where nothing watches the process. */
  readonly account: () => object | null
  /** Where the watchdog writes, and under whose name. */
  readonly reports: { readonly directory: string; readonly nodeId: string } | null
  readonly version: string
}

/** How long a stack is looked for, unless the question says. */
const STACKS_SECONDS = 1

/** What any process can be asked, whatever its role. */
export function processAnswers(facts: ProcessFacts): ReadonlyMap<string, Answer> {
  const alone = onlyOne()
  return new Map<string, Answer>([
    ['stages', () => json({ ...about(facts), account: facts.account() })],
    [
      'stacks',
      (args, signal) =>
        alone(async () => {
          const seconds = numberOf(args, 'seconds', { default: STACKS_SECONDS, min: 0.1, max: CPU_SECONDS_MAX })
          const profile = await profileCpu(seconds, signal)
          return json({ ...about(facts), seconds, account: facts.account(), stacks: hottestStacks(profile) })
        }),
    ],
    [
      'cpu',
      (args, signal) =>
        alone(async () =>
          json(await profileCpu(numberOf(args, 'seconds', { default: CPU_SECONDS, min: 0.1, max: CPU_SECONDS_MAX }), signal)),
        ),
    ],
    [
      'heap',
      (args, _, begun) =>
        alone(async () => {
          mayTakeSnapshot(numberOf(args, 'limitMb', { default: SNAPSHOT_MB_MAX, min: 1, max: 65_536 }))
          await begun()
          return heapSnapshot()
        }),
    ],
    ['report', () => reportOf(facts.reports)],
  ])
}

function about({ version }: ProcessFacts): object {
  const { pid, platform, arch } = process
  return { version, node: process.version, pid, platform, arch, uptimeS: Math.round(process.uptime()) }
}

const json = (value: unknown): string => JSON.stringify(value)

/** Two profiles of one process would measure each other. */
function onlyOne(): <T>(work: () => Promise<T>) => Promise<T> {
  let isBusy = false
  return async (work) => {
    if (isBusy) throw new AskError('ask_too_many', 'this process is being profiled for somebody else')
    isBusy = true
    try {
      return await work()
    } finally {
      isBusy = false
    }
  }
}

async function profileCpu(seconds: number, signal: AbortSignal): Promise<CpuProfile> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: 1000 })
    await session.post('Profiler.start')
    await sleep(seconds * 1000, undefined, { signal })
    const { profile } = await session.post('Profiler.stop')
    return profile as CpuProfile
  } finally {
    session.disconnect()
  }
}

/** @throws AskError `ask_failed` */
function mayTakeSnapshot(limitMb: number): void {
  const refusal = snapshotRefusal(getHeapStatistics().used_heap_size, limitMb)
  if (refusal !== undefined) throw new AskError('ask_failed', refusal)
}

/** V8 takes it in one go, during which nothing else runs here; it is written out as it is taken. */
function heapSnapshot(): AsyncIterable<string> {
  return getHeapSnapshot().setEncoding('utf8') as AsyncIterable<string>
}

async function reportOf(reports: ProcessFacts['reports']): Promise<string> {
  if (reports === null) throw new AskError('ask_failed', 'this process has no watchdog, so nobody writes reports')
  const { directory, nodeId } = reports
  const report = await newestReport(directory, nodeId)
  if (report === undefined) throw new AskError('ask_failed', `nothing of this node was ever stuck: there is no report in ${directory}`)
  return report
}
