import type { StageAccount } from '@pulsewire/server'
import { formatAge, sanitize } from '../watch/format.ts'
import type { DebugQuestion } from './debug.ts'
import type { ProcessAnswer } from './process-answer.ts'

const MIB = 1024 * 1024

interface ReportAnswer {
  readonly at: string
  readonly reason: string
  readonly message: string
  readonly stack?: readonly string[] | null
  /** Of one that Node wrote itself. */
  readonly header?: { readonly event: string; readonly dumpEventTime: string }
}

/** For a terminal. Everything in it comes from somewhere else, so nothing may steer the terminal. */
export function formatAnswer(question: DebugQuestion, answer: unknown): string {
  const lines = question === 'stages' || question === 'stacks' ? processLines(answer as ProcessAnswer) : [JSON.stringify(answer, null, 2)]
  return lines
    .flatMap((line) => line.split('\n'))
    .map(sanitize)
    .join('\n')
}

function processLines({ version, node, pid, uptimeS, blockedMs, account, stacks }: ProcessAnswer): string[] {
  const lines = [`pulsewire ${version}, Node ${node}, pid ${pid}, up for ${formatAge(uptimeS * 1000)}`]
  if (blockedMs !== undefined) lines.push(`its event loop has been blocked for ${formatAge(blockedMs)}: this is said by its watchdog`)
  if (account === null) lines.push('nothing watches this process (watchdog.enabled is false): its stages are not known')
  else {
    lines.push(...accountLines(account), ...account.stages.flatMap(stageLines))
  }
  if (stacks !== undefined) {
    lines.push('', `main thread: idle ${stacks.idlePercent} % of the time; where it was else, innermost first:`)
    for (const { percent, frames } of stacks.stacks) lines.push('', `${percent} %`, ...frames.map((frame) => `  ${frame}`))
  }
  return lines
}

/** A watchdog knows no more than the memory of a main thread that cannot be held still. */
function accountLines({ memory, loopDelayMs, resources }: NonNullable<ProcessAnswer['account']>): string[] {
  const mb = (name: string): number => Math.round((memory[name] ?? 0) / MIB)
  if (memory['heapUsed'] === undefined) return [`memory ${mb('rss')} MB`]
  const open = Object.entries(resources).map(([name, count]) => `${count} ${name}`)
  return [
    `event loop late by ${loopDelayMs['p99']} ms (p99), ${loopDelayMs['max']} ms at most`,
    `memory ${mb('rss')} MB, heap ${mb('heapUsed')} of at most ${mb('heapLimit')} MB`,
    `open: ${open.join(', ')}`,
  ]
}

function stageLines({ stage, deadlineMs, entries, busyMs, holders, waiting = [] }: StageAccount): string[] {
  const state = busyMs === null ? 'idle' : `busy for ${formatAge(busyMs)}${busyMs > deadlineMs ? ' — past its deadline' : ''}`
  return [
    `stage ${stage}: ${state} (deadline ${formatAge(deadlineMs)}, entered ${entries} times)`,
    ...holders.flatMap(({ holder, heldMs, at }) => [
      `  held for ${formatAge(heldMs)} by ${holder}`,
      ...at.map((frame) => `    ${frame.trim()}`),
    ]),
    ...waiting.map(({ holder, heldMs }) => `  ${holder} waits for ${formatAge(heldMs)}`),
  ]
}

/** What matters in a report: when it was written, why, who held what, and where the main thread was; of one that Node wrote, what set it off. */
export function formatReport(text: string): string {
  const { at, reason, message, stack, header } = reportOf(text)
  if (reason === undefined)
    return header === undefined ? 'no report of a watchdog' : sanitize(`Node's own: ${header.event} at ${header.dumpEventTime}`)
  const lines = [`written at ${at}: ${reason}: ${message}`, ...(stack ?? []).map((frame) => `  ${frame}`)]
  return lines.map(sanitize).join('\n')
}

/** Nothing of one that is cut short. */
function reportOf(text: string): Partial<ReportAnswer> {
  try {
    return JSON.parse(text) as ReportAnswer
  } catch {
    return {}
  }
}
