/** What a page that looks at a node asks it: how its stages are, and who holds them. */
import { askJson, type Secret, type StageAccount } from '@pulsewire/server'
import type { ProcessAnswer } from '../debug/process-answer.ts'
import { connectAll } from './open.ts'
import { overWay, wayTo } from './way.ts'

/** Gateways that are connected to for one question: those that are next to the node come first. */
const ENTRANCES_MAX = 3
/** Of a text that goes onto a page. */
const HOLDER_CHARS_MAX = 300

export interface StageTold {
  readonly stage: string
  readonly deadlineMs: number
  /** For how long it has been busy; `null` while it is idle. */
  readonly busyMs: number | null
  /** Who holds it longest. */
  readonly holder: { readonly holder: string; readonly heldMs: number } | null
  /** Of an exclusive section: how many wait for it. */
  readonly waiting: number
}

export interface StagesTold {
  readonly node: string
  /** Said by its watchdog, because its event loop has not turned for so long; `null`: the node said it itself. */
  readonly blockedMs: number | null
  /** What runs longest for its deadline first; `null`: nothing watches the process. */
  readonly stages: readonly StageTold[] | null
  /** How late the event loop's beats came since the start; `null`: not told. */
  readonly loopDelayMs: { readonly p99: number; readonly max: number } | null
  /** `null`: not told. */
  readonly heap: { readonly usedBytes: number; readonly limitBytes: number } | null
}

/** @param gateways those that are next to the node first. @throws AskError when the node cannot be asked, nor its watchdog. */
export async function stagesOver(gateways: readonly string[], secret: Secret, who: string, node: string): Promise<StagesTold> {
  using entrances = await connectAll(gateways.slice(0, ENTRANCES_MAX), secret, who)
  const [first] = entrances.unreached
  if (entrances.askers.length === 0 && first !== undefined) throw first
  const found = await wayTo(entrances.askers, node, 'stages')
  return stagesTold(node, (await overWay(found, (way) => askJson(way, 'stages'))) as ProcessAnswer)
}

export function stagesTold(node: string, { account, ...told }: ProcessAnswer): StagesTold {
  const blockedMs = told.blockedMs ?? null
  if (account === null) return { node, blockedMs, stages: null, loopDelayMs: null, heap: null }
  const { p99, max } = account.loopDelayMs
  const { heapUsed: usedBytes, heapLimit: limitBytes } = account.memory
  return {
    node,
    blockedMs,
    stages: account.stages.map(stageTold).sort((a, b) => share(b) - share(a) || a.stage.localeCompare(b.stage, 'en', { numeric: true })),
    loopDelayMs: p99 === undefined || max === undefined ? null : { p99, max },
    heap: usedBytes === undefined || limitBytes === undefined ? null : { usedBytes, limitBytes },
  }
}

function stageTold({ stage, deadlineMs, busyMs, holders: [oldest], waiting = [] }: StageAccount): StageTold {
  const holder = oldest === undefined ? null : { holder: oldest.holder.slice(0, HOLDER_CHARS_MAX), heldMs: oldest.heldMs }
  return { stage, deadlineMs, busyMs, holder, waiting: waiting.length }
}

/** Of its deadline; less than nothing while it is idle. */
function share({ busyMs, deadlineMs }: StageTold): number {
  return busyMs === null ? -1 : busyMs / deadlineMs
}
