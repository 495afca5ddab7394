import type { Finding } from '../../support/checker/run-judge.ts'
import { canMakeNamespaces } from '../../support/network-namespace.ts'
import type { FaultBound, FaultCase, Measured } from './fault-case.ts'
import { FaultRun } from './fault-run.ts'
import type { SharedKafka } from './shared-kafka.ts'

const TIME_LIMIT_MS = 120_000
/** Findings that are spelled out; the rest is counted. */
const FINDINGS_SHOWN_MAX = 5

export interface Outcome {
  readonly number: number
  readonly name: string
  readonly verdict: 'passed' | 'failed'
  readonly bound: FaultBound
  readonly detectMs: number | null
  readonly recoverMs: number | null
  /** Why it failed, one line each; empty when it passed. */
  readonly failures: readonly string[]
  readonly notes: readonly string[]
  readonly clients: number
  readonly updates: number
  readonly longestStallMs: number
  readonly tookMs: number
  /** What the nodes said, kept when it failed. */
  readonly nodes?: string
}

/** A recorder that stood still for longer cannot tell what clients saw when. */
const SOUND_STALL_MS = 500
const ATTEMPTS_MAX = 3

/** A failed run in which the recorder itself did not get its turn is void, and made again. */
export async function runCaseSoundly(definition: FaultCase, shared: SharedKafka): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await runCase(definition, shared)
    const isVoid = outcome.verdict === 'failed' && outcome.longestStallMs > SOUND_STALL_MS
    if (!isVoid || attempt === ATTEMPTS_MAX) return outcome
    console.log(`${describeOutcome(outcome)}\n     · void: made again`)
  }
}

/** Runs one row from an installation that is made for it to the verdict. Never throws; leaves nothing behind. */
export async function runCase(definition: FaultCase, shared: SharedKafka): Promise<Outcome> {
  const startedMs = performance.now()
  const run = new FaultRun(shared, definition.topology ?? {})
  const failures: string[] = []
  let measured: Measured = {}
  try {
    if (definition.needs === 'namespaces' && !canMakeNamespaces()) throw new Error('needs root and iproute2, to make network namespaces')
    const work = async (): Promise<void> => {
      await run.start()
      measured = await definition.run(run)
      failures.push(...describeFindings(await run.finish()))
    }
    await within(work(), definition.timeLimitMs ?? TIME_LIMIT_MS)
    failures.push(...(measured.failures ?? []), ...beyond(definition.bound, measured))
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error))
  }
  const outcome: Outcome = {
    number: definition.number,
    name: definition.name,
    verdict: failures.length === 0 ? 'passed' : 'failed',
    bound: definition.bound,
    detectMs: measured.detectMs ?? null,
    recoverMs: measured.recoverMs ?? null,
    failures,
    notes: measured.notes ?? [],
    clients: run.clients.length,
    updates: run.recorded,
    longestStallMs: Math.round(run.longestStallMs),
    tookMs: Math.round(performance.now() - startedMs),
    ...(failures.length === 0 ? {} : { nodes: run.describeNodes() }),
  }
  await run[Symbol.asyncDispose]()
  definition.cleanUp?.()
  return outcome
}

export function describeFindings(findings: readonly Finding[]): string[] {
  const texts = findings
    .slice(0, FINDINGS_SHOWN_MAX)
    .map(
      ({ rule, client, symbol, atMs, message }) =>
        `${rule}: ${client} ${symbol} at ${new Date(atMs).toISOString().slice(11, 23)}: ${message}`,
    )
  if (findings.length > FINDINGS_SHOWN_MAX) {
    const counts = Object.entries(Object.groupBy(findings, ({ rule }) => rule)).map(([rule, of]) => `${of!.length} ${rule}`)
    texts.push(`in all ${counts.join(', ')}`)
  }
  return texts
}

/** What was measured and is longer than allowed. */
function beyond(bound: FaultBound, { detectMs, recoverMs }: Measured): string[] {
  const late: string[] = []
  if (bound.detectMs !== undefined && (detectMs === undefined || detectMs > bound.detectMs))
    late.push(detectMs === undefined ? 'nobody noticed' : `noticed after ${seconds(detectMs)}, not within ${seconds(bound.detectMs)}`)
  if (bound.recoverMs !== undefined && (recoverMs === undefined || recoverMs > bound.recoverMs))
    late.push(
      `live again after ${recoverMs === undefined ? 'nobody knows how long' : seconds(recoverMs)}, not within ${seconds(bound.recoverMs)}`,
    )
  return late
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

async function within(work: Promise<void>, limitMs: number): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`not over within ${limitMs} ms`)), limitMs)
  work.catch(() => {})
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** `✔  2 gateway crash: detect 0.01 of 1 s, recover 0.42 of 5 s`. */
export function describeOutcome({
  number,
  name,
  verdict,
  bound,
  detectMs,
  recoverMs,
  failures,
  notes,
  tookMs,
  longestStallMs,
}: Outcome): string {
  const figure = (what: string, ms: number | null, boundMs: number | undefined) =>
    boundMs === undefined && ms === null
      ? undefined
      : `${what} ${ms === null ? '–' : (ms / 1000).toFixed(2)}${boundMs === undefined ? '' : ` of ${boundMs / 1000}`} s`
  const figures = [figure('detect', detectMs, bound.detectMs), figure('recover', recoverMs, bound.recoverMs)].filter(
    (text) => text !== undefined,
  )
  const stall = longestStallMs > 500 ? [`the recorder itself stood still for ${longestStallMs} ms`] : []
  const head = `${verdict === 'passed' ? '✔' : '✖'} ${String(number).padStart(2)} ${name}: ${figures.join(', ') || 'no bound'} (${(tookMs / 1000).toFixed(0)} s)`
  return [head, ...failures.map((text) => `     ✖ ${text}`), ...[...notes, ...stall].map((text) => `     · ${text}`)].join('\n')
}
