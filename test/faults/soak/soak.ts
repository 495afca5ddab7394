import { setTimeout as delay } from 'node:timers/promises'
import { steadyMs } from '../../support/steady.ts'
import { FaultRun, TRUTH_AGE_MAX_MS } from '../rig/fault-run.ts'
import type { FaultNode } from '../rig/node.ts'
import { FAULTS_ENABLED } from '../rig/ordered-fault.ts'
import { preloaded } from '../rig/preload.ts'
import { describeFindings } from '../rig/run-case.ts'
import type { SharedKafka } from '../rig/shared-kafka.ts'
import { SoakCrowd } from './crowd.ts'
import type { SoakReport } from './crowd-process.ts'
import { type Account, Ledger } from './ledger.ts'
import { busyPart, processorTimes } from './machine-load.ts'
import { MENU, type SoakFault } from './menu.ts'
import { type NodeMemory, NodeMemories } from './node-memories.ts'
import { shuffled } from './shuffled.ts'

export interface SoakOptions {
  readonly clients: number
  readonly durationMs: number
  /** From one blow to the next, or later, where the installation was not whole again by then. */
  readonly faultEveryMs: number
  readonly seed: number
  /** Clients besides, whose every view is written down and held against the log. */
  readonly witnesses: number
  /** What can strike; default: everything. */
  readonly menu?: readonly SoakFault[]
}

export interface Blow {
  readonly what: string
  /** Since the soak began. */
  readonly atMs: number
  /** Until every node and every witness was well again. */
  readonly wholeMs: number
  readonly flagged: number
  readonly unexcused: number
  /** How busy the machine was in the seconds in which clients move: where it had nothing left to give, it was too small. */
  readonly busyPart: number
}

export interface SoakResult {
  readonly account: Account
  readonly blows: readonly Blow[]
  readonly memory: readonly NodeMemory[]
  readonly wrong: number
  readonly gaps: number
  readonly longestStallMs: number
  readonly updates: number
  /** Why it failed, one line each. */
  readonly failures: readonly string[]
  /** What the nodes said, kept when it failed. */
  readonly nodes?: string
}

/** The share of client-seconds that must be fresh where no fault excuses that they are not. */
export const FRESH_SHARE_MIN = 0.9999
const SYMBOLS = 40
/** So that clients, nodes and Kafka together leave a machine with 2 cores some room. */
const RECORDS_PER_SECOND = 40
const RENEW_MS = 30_000
/**
 * New sessions per second and gateway. Now and then all clients stand at one gateway, and when that freezes, 2,000 of them
 * have 2.5 s left to be served by the other. The default of 500 leaves room for TLS, which is not used here.
 */
const ADMITTED_PER_SECOND = 1000
/** Of each symbol: full within a minute or two, so that what grows after that is no history. */
const HISTORY_RECORDS = 100
const CROWD_PROCESSES = 2
const BEGIN_PER_SECOND = 100
const GATHER_MS_MAX = 180_000
const WHOLE_MS_MAX = 60_000
const TRUTH_EVERY_MS = 200
/** From a blow, for as long as clients may take to be served elsewhere. */
const BUSY_OVER_MS = 5_000

/** Runs an installation under fault after fault, and accounts for every second of every client. */
export async function soak(options: SoakOptions, shared: SharedKafka, tell: (line: string) => void): Promise<SoakResult> {
  await using run = new FaultRun(shared, {
    proxies: { links: true, log: true },
    clients: options.witnesses,
    symbols: SYMBOLS,
    recordsPerSecond: RECORDS_PER_SECOND,
    gatewaysRenewMs: RENEW_MS,
    balancer: { admission: { connectionsPerSecond: ADMITTED_PER_SECOND } },
    env: (id) => ({ ...preloaded('memory'), ...(id === 'push-b1' ? FAULTS_ENABLED : {}) }),
    historyRecords: HISTORY_RECORDS,
  })
  await run.start()
  const crowd = run.own(makeCrowd(run, options.clients))
  const feeding = setInterval(() => crowd.truth({ atMs: steadyMs(), sequences: Object.fromEntries(run.producer.newest) }), TRUTH_EVERY_MS)
  try {
    await gather(crowd, options.clients)
    return await strikeAndCount(run, crowd, options, tell)
  } finally {
    clearInterval(feeding)
  }
}

async function strikeAndCount(
  run: FaultRun,
  crowd: SoakCrowd,
  { durationMs, faultEveryMs, seed, menu = MENU }: SoakOptions,
  tell: (line: string) => void,
): Promise<SoakResult> {
  const ledger = new Ledger()
  const blows: Blow[] = []
  const memories = new NodeMemories()
  const startedMs = run.nowMs
  await crowd.ask('begin')
  let before = ledger.account()
  for (const fault of shuffled(menu, seed)) {
    const atMs = run.nowMs
    if (atMs - startedMs + faultEveryMs > durationMs) break
    const from = processorTimes()
    const busy = delay(BUSY_OVER_MS).then(() => busyPart(from, processorTimes()))
    const wholeMs = await strike(run, fault, ledger)
    memories.look(run.installation.nodes)
    await delay(Math.max(0, faultEveryMs - (run.nowMs - atMs)))
    const report = await crowd.ask('report')
    ledger.add(report.seconds)
    const account = ledger.account()
    const flagged = account.excused + account.unexcused - before.excused - before.unexcused
    const blow = {
      what: fault.what,
      atMs: atMs - startedMs,
      wholeMs,
      flagged,
      unexcused: account.unexcused - before.unexcused,
      busyPart: await busy,
      worst: account.worst,
    }
    blows.push(blow)
    before = account
    tell(describeBlow(blow, account, report))
  }
  const last = await crowd.ask('report')
  ledger.add(last.seconds)
  const account = ledger.account()
  const memory = memories.result()
  const findings = await run.finish()
  const failures = describeFindings(findings)
  if (last.wrong > 0) failures.push(`${last.wrong} values were wrong: ${last.wrongMessages.join('; ')}`)
  if (account.freshShare < FRESH_SHARE_MIN) failures.push(`only ${percent(account.freshShare)} of the client-seconds were fresh`)
  for (const { node, isFlat, text } of memory) if (!isFlat) failures.push(`the memory of ${node} grows: ${text}`)
  const { wrong, gaps } = last
  const said = failures.length === 0 ? {} : { nodes: run.describeNodes() }
  return { account, blows, memory, wrong, gaps, longestStallMs: Math.round(run.longestStallMs), updates: run.recorded, failures, ...said }
}

function makeCrowd(run: FaultRun, clients: number): SoakCrowd {
  const balancer = run.installation.balancers.map(({ port }) => `http://127.0.0.1:${port}`)
  const order = { clients, first: 0, balancer, gatewaysRenewMs: RENEW_MS, symbols: run.symbols }
  return new SoakCrowd({ ...order, perSecond: BEGIN_PER_SECOND, truthAgeMaxMs: TRUTH_AGE_MAX_MS }, CROWD_PROCESSES)
}

async function gather(crowd: SoakCrowd, clients: number): Promise<void> {
  const endMs = steadyMs() + GATHER_MS_MAX
  for (;;) {
    const { live } = await crowd.ask('report')
    if (live === clients) return
    if (steadyMs() > endMs) throw new Error(`${live} of ${clients} clients are live after ${GATHER_MS_MAX / 1000} s`)
    await delay(250)
  }
}

/** @returns how long it took until everything was well again */
async function strike(run: FaultRun, { what, allowed, strike }: SoakFault, ledger: Ledger): Promise<number> {
  const atMs = run.nowMs
  const gateway = allowed?.gateway ?? null
  const clients = run.clients.filter(({ node }) => gateway === null || node === gateway)
  const excuse = (untilMs: number): void => {
    run.excuse(what, atMs, untilMs - atMs, clients)
    ledger.open({ why: what, gateway, fromMs: atMs, untilMs })
  }
  if (allowed?.from === 'blow') excuse(atMs + allowed.forMs)
  await strike(run)
  if (allowed?.from === 'healed') excuse(run.nowMs + allowed.forMs)
  await run.until(() => isLinked(run), `links after "${what}"`, WHOLE_MS_MAX)
  await run.untilAllHandedOut(WHOLE_MS_MAX)
  await run.untilLive(WHOLE_MS_MAX)
  return run.nowMs - atMs
}

/** Every gateway has a link to every push node. */
function isLinked({ installation: { gateways, pushNodes } }: FaultRun): boolean {
  return gateways.every((gateway) => pushNodes.every(({ id }) => hasLink(gateway, id)))
}

function hasLink(gateway: FaultNode, push: string): boolean {
  const last = gateway.process.lines.findLast(
    ({ code, msg }) => (code === 'link_open' || code === 'link_lost') && msg.includes(` to ${push} at `),
  )
  return last?.code === 'link_open'
}

function describeBlow(
  { what, atMs, wholeMs, flagged, unexcused, busyPart }: Blow,
  account: Account,
  { live, wrong, gaps }: SoakReport,
): string {
  const at = `${String(Math.floor(atMs / 60_000)).padStart(2)}:${String(Math.floor(atMs / 1000) % 60).padStart(2, '0')}`
  const bare = unexcused === 0 ? '' : `, ${unexcused} of them for no reason (${JSON.stringify(account.worst?.said)})`
  const rest = `${wrong} wrong, ${gaps} gaps, ${account.lied} lies, ${account.void} void`
  return `${at}  ${what}: whole after ${(wholeMs / 1000).toFixed(1)} s, machine ${(busyPart * 100).toFixed(0)} % busy; ${flagged} client-seconds flagged${bare}; ${live} live; so far ${percent(account.freshShare)} fresh, ${rest}`
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(4)} %`
}
