/** What a page that looks at a node asks it: how its stages are, and who holds them. */
import { AskError, type Asker, askJson, type Secret, type StageAccount, type Way } from '@pulsewire/server'
import type { ProcessAnswer } from '../debug/process-answer.ts'
import { connectAll } from './open.ts'
import { overWay, wayTo } from './way.ts'

/** Gateways that are connected to for one question: those that are next to the node come first. */
const ENTRANCES_MAX = 3
/** Nodes whose way is remembered; the oldest go first. */
const WAYS_MAX = 64
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

/**
 * Ways that were found, by node: a page asks again and again, and where the node is nobody's neighbour the way to it, over
 * its watchdog, is found only by asking all nodes there are.
 */
export class KnownWays {
  readonly #ways = new Map<string, readonly string[]>()

  /** As it was found before, over whoever is connected now. */
  of(node: string, askers: readonly Asker[]): Way | undefined {
    const [entrance, ...path] = this.#ways.get(node) ?? []
    const asker = askers.find((one) => one.node === entrance)
    return asker === undefined ? undefined : { asker, path }
  }

  keep(node: string, { asker, path }: Way): void {
    this.#ways.delete(node)
    this.#ways.set(node, [asker.node, ...path])
    if (this.#ways.size > WAYS_MAX) this.#ways.delete(this.#ways.keys().next().value!)
  }
}

/** @param gateways those that are next to the node first. @throws AskError when the node cannot be asked, nor its watchdog. */
export async function stagesOver(
  gateways: readonly string[],
  secret: Secret,
  who: string,
  node: string,
  ways: KnownWays,
): Promise<StagesTold> {
  using entrances = await connectAll(gateways.slice(0, ENTRANCES_MAX), secret, who)
  const { askers, unreached } = entrances
  if (askers.length === 0 && unreached[0] !== undefined) throw unreached[0]
  return stagesTold(node, (await askOver(askers, node, ways)) as ProcessAnswer)
}

/** @throws AskError */
export async function askOver(askers: readonly Asker[], node: string, ways: KnownWays): Promise<unknown> {
  const known = ways.of(node, askers)
  try {
    if (known !== undefined) return await askJson(known, 'stages')
  } catch (error) {
    // Links come and go: there may be another way.
    if (!(error instanceof AskError) || error.code !== 'ask_no_way') throw error
  }
  const found = await wayTo(askers, node, 'stages')
  const answer = await overWay(found, (way) => askJson(way, 'stages'))
  ways.keep(node, found.way)
  return answer
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
