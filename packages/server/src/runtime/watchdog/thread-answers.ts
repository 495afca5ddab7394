/** What the watchdog's thread can say of a process whose main thread says nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { StageAccount } from '../stages/index.ts'
import type { MainThreadView } from './main-thread.ts'
import type { ThreadAnswer } from './messages.ts'
import { newestReport } from './report-files.ts'

export const WATCHDOG_QUESTIONS = ['stages', 'stacks', 'report'] as const
/** Looks at the stack of a blocked main thread, and the time between them. Each holds it still for some milliseconds more. */
const LOOKS = 5
const BETWEEN_LOOKS_MS = 100

export interface ThreadFacts {
  readonly nodeId: string
  readonly version: string
  readonly reportsDirectory: string
  /** For how long the event loop has not turned. */
  readonly blockedMs: () => number
  readonly look: () => Promise<MainThreadView | undefined>
  /** By the table that both threads share. */
  readonly stagesSeen: () => readonly StageAccount[]
}

export async function answerBlocked(question: string, facts: ThreadFacts): Promise<ThreadAnswer> {
  switch (question) {
    case 'stages':
      return { text: JSON.stringify(aboutBlocked(facts, await facts.look())) }
    case 'stacks':
      return { text: JSON.stringify(await stacks(facts)) }
    case 'report':
      return report(facts)
    default:
      return {
        code: 'ask_no_answer',
        message: `the event loop of ${facts.nodeId} has been blocked for ${Math.round(facts.blockedMs())} ms; its watchdog answers ${WATCHDOG_QUESTIONS.join(', ')}`,
      }
  }
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
    const view = await facts.look()
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
