/** What the watchdog's thread can say of a process whose main thread says nothing. */
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StageAccount } from '../stages/index.ts'
import type { MainThread, MainThreadView } from './main-thread.ts'
import type { ThreadAnswer } from './messages.ts'
import { newestReport } from './report-files.ts'
import { CPU_SECONDS, CPU_SECONDS_MAX, SNAPSHOT_MB_MAX } from './answer-limits.ts'

export const WATCHDOG_QUESTIONS = ['stages', 'stacks', 'cpu', 'heap', 'report'] as const
/** Looks at the stack of a blocked main thread, and the time between them. Each holds it still for some milliseconds more. */
const LOOKS = 5
const BETWEEN_LOOKS_MS = 100

export interface ThreadFacts {
  readonly nodeId: string
  readonly version: string
  readonly reportsDirectory: string
  /** For how long the event loop has not turned. */
  readonly blockedMs: () => number
  readonly mainThread: Pick<MainThread, 'look' | 'profile' | 'heapSnapshot'>
  /** By the table that both threads share. */
  readonly stagesSeen: () => readonly StageAccount[]
}

/** What a thread gives itself: also what comes in parts. */
export type OwnAnswer = ThreadAnswer | { readonly stream: Readable }
type Args = Readonly<Record<string, string>>

export async function answerBlocked(question: string, args: Args, facts: ThreadFacts): Promise<OwnAnswer> {
  switch (question) {
    case 'stages':
      return { text: JSON.stringify(aboutBlocked(facts, await facts.mainThread.look())) }
    case 'stacks':
      return { text: JSON.stringify(await stacks(facts)) }
    case 'cpu':
      return cpu(args, facts)
    case 'heap':
      return heap(args, facts)
    case 'report':
      return report(facts)
    default:
      return { code: 'ask_no_answer', message: `${blocked(facts)}; its watchdog answers ${WATCHDOG_QUESTIONS.join(', ')}` }
  }
}

function blocked({ nodeId, blockedMs }: ThreadFacts): string {
  return `the event loop of ${nodeId} has been blocked for ${Math.round(blockedMs())} ms`
}

/** V8 looks for questions of its inspector where JavaScript runs, and nowhere else. */
function unreachable(question: string, facts: ThreadFacts): ThreadAnswer {
  const why = `in native code or a system call, where V8 gives no ${question}`
  return { code: 'ask_no_answer', message: `${blocked(facts)} ${why}; its watchdog answers stages and report` }
}

async function cpu(args: Args, facts: ThreadFacts): Promise<ThreadAnswer> {
  const profile = await facts.mainThread.profile(numberOf(args['seconds'], { default: CPU_SECONDS, min: 0.1, max: CPU_SECONDS_MAX }))
  return profile === undefined ? unreachable('profile', facts) : { text: JSON.stringify(profile) }
}

async function heap(args: Args, facts: ThreadFacts): Promise<OwnAnswer> {
  const answer = await facts.mainThread.heapSnapshot(numberOf(args['limitMb'], { default: SNAPSHOT_MB_MAX, min: 1, max: 65_536 }))
  if (answer === undefined) return unreachable('snapshot', facts)
  return 'refusal' in answer ? { code: 'ask_failed', message: answer.refusal } : answer
}

/** Without a word about what is none: this thread has no more to say than it must. */
function numberOf(text: string | undefined, bounds: { readonly default: number; readonly min: number; readonly max: number }): number {
  const value = text === undefined ? Number.NaN : Number(text)
  return Number.isNaN(value) ? bounds.default : Math.min(Math.max(value, bounds.min), bounds.max)
}

function aboutBlocked({ version, blockedMs, stagesSeen }: ThreadFacts, view: MainThreadView | undefined) {
  const { pid, platform, arch } = process
  const account =
    view?.account === undefined
      ? { stages: stagesSeen(), memory: { rss: process.memoryUsage.rss() }, loopDelayMs: {}, resources: {} }
      : (JSON.parse(view.account) as object)
  const uptimeS = Math.round(process.uptime())
  return { version, node: process.version, pid, platform, arch, uptimeS, blockedMs: Math.round(blockedMs()), account }
}

/** It may stand at one place, or go round in a loop: some looks tell them apart. */
async function stacks(facts: ThreadFacts): Promise<object> {
  const counts = new Map<string, number>()
  let last: MainThreadView | undefined
  for (let i = 0; i < LOOKS; i++) {
    if (i > 0) await sleep(BETWEEN_LOOKS_MS)
    const view = await facts.mainThread.look()
    // In native code, or in a system call: looking again would only take as long again.
    if (view === undefined) break
    last = view
    const stack = view.stack.join('\n')
    counts.set(stack, (counts.get(stack) ?? 0) + 1)
  }
  const looks = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const found = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([stack, count]) => ({ percent: Math.round((count / looks) * 1000) / 10, frames: stack.split('\n') }))
  const nowhere = [{ percent: 100, frames: ['in native code or a system call, where it cannot be looked at'] }]
  return { ...aboutBlocked(facts, last), stacks: { idlePercent: 0, stacks: found.length > 0 ? found : nowhere } }
}

async function report({ reportsDirectory, nodeId }: ThreadFacts): Promise<ThreadAnswer> {
  const text = await newestReport(reportsDirectory, nodeId)
  if (text !== undefined) return { text }
  return { code: 'ask_failed', message: `there is no report of ${nodeId} in ${reportsDirectory} yet` }
}
