/** The watchdog's thread. It shares nothing with the main thread but numbers, so that nothing there can hold it up. */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../clock.ts'
import { Secret } from '../config/secret.ts'
import { createLogger } from '../logger.ts'
import { LOOP_ROW, monotonicMs, StageTable } from '../stages/index.ts'
import { AskServer } from './ask-server.ts'
import { MainThread } from './main-thread.ts'
import type { FromWatchdog, ProcessAccount, ThreadAnswer, ToWatchdog, WorkerData } from './messages.ts'
import { portOf, serveProbes } from './probes.ts'
import { ReportFiles } from './report-files.ts'
import { supervisorOf } from './supervisor.ts'
import { Answers } from './answers.ts'
import { answerBlocked, type OwnAnswer } from './thread-answers.ts'
import { threadMetrics } from './thread-metrics.ts'
import { type Finding, LOOK_INTERVAL_MS, Watch } from './watch.ts'

/** A main thread that turns answers at once. */
const ANSWER_DEADLINE_MS = 1000
/** A disk that hangs must not keep the process alive. */
const REPORT_DEADLINE_MS = 3000
/** An event loop that beat so lately turns. */
const TURNS_MS_MAX = 500
/** How long a question looks at the process, unless it says, and at most. */
const LOOKED_AT_SECONDS = 10
const ANSWER_SECONDS_MAX = 120
/** Between two ways of ending the process, the harder after the softer. */
const HARDER_AFTER_MS = 1000

const { table: buffer, names: known, settings } = workerData as WorkerData
const port = parentPort!
const table = new StageTable(buffer)
const names = new Map(known)
// Not through the main thread, which may be blocked.
const logger = createLogger({ ...settings.logging, fields: { nodeId: settings.nodeId, by: 'watchdog' }, write: writeError })
const mainThread = new MainThread()
const files = new ReportFiles(settings.reports)
const supervisor = supervisorOf(process.env, (why) => logger.warn('supervisor_unreachable', `systemd cannot be told: ${why}`))
const accounts = new Answers<ProcessAccount>(ANSWER_DEADLINE_MS)
const metrics = new Answers<string | null>(ANSWER_DEADLINE_MS)
const answers = new Answers<ThreadAnswer>(ANSWER_DEADLINE_MS)
let asked: Promise<string | null | undefined> | null = null
let prepared: Promise<void> | undefined
let isAnswering = false

function writeError(line: string): void {
  try {
    writeSync(2, line)
  } catch {
    // A full disk or pipe: the report says the same.
  }
}

function say(message: FromWatchdog): void {
  port.postMessage(message)
}

function askAccount(): Promise<ProcessAccount | undefined> {
  return accounts.ask((id) => say({ kind: 'account', id }))
}

/** What the main thread says, where it answers, and in any case whether it does. */
async function readMetrics(): Promise<string> {
  // Scrapes share one question: however many come while the main thread is blocked, it has one to answer afterwards.
  asked ??= metrics.ask((id) => say({ kind: 'metrics', id })).finally(() => (asked = null))
  const text = await asked
  return `${text ?? ''}${threadMetrics({ node: settings.nodeId, answers: text != null, stuck: watch.trouble !== null })}`
}

/** For how long the event loop has not shown that it turns; Infinity before it first did. */
function loopStillMs(): number {
  const atMs = table.sinceMs(LOOP_ROW)
  return atMs === 0 ? Infinity : monotonicMs() - atMs
}

/** The main thread knows more, so it is asked while it turns. Until the answer is given the process is not ended, and nobody else is answered. */
async function answer(question: string, args: Readonly<Record<string, string>>, given: Promise<void>): Promise<OwnAnswer> {
  if (isAnswering) return { code: 'ask_too_many', message: `${settings.nodeId} is being looked at for somebody else` }
  isAnswering = true
  const hold = watch.hold()
  void given.then(() => {
    isAnswering = false
    hold[Symbol.dispose]()
  })
  // A heap is taken from here in any case: it comes in parts, which the main thread does not give this thread.
  if (loopStillMs() < TURNS_MS_MAX && question !== 'heap') {
    const seconds = Math.min(Math.max(Number(args['seconds'] ?? LOOKED_AT_SECONDS) || 0, 0), ANSWER_SECONDS_MAX)
    const told = await answers.ask((id) => say({ kind: 'ask', id, question, args }), seconds * 1000 + ANSWER_DEADLINE_MS)
    if (told !== undefined) return told
  }
  return answerBlocked(question, args, {
    nodeId: settings.nodeId,
    version: settings.version,
    reportsDirectory: settings.reports.directory,
    blockedMs: () => Math.min(loopStillMs(), process.uptime() * 1000),
    mainThread,
    stagesSeen: () => watch.stagesSeen(),
  })
}

async function writeReport(reason: string, facts: object): Promise<void> {
  const { nodeId, version, config } = settings
  const at = new Date().toISOString()
  const head = {
    format: 'pulsewire.report.v1',
    at,
    reason,
    nodeId,
    pid: process.pid,
    version,
    node: process.version,
    uptimeS: Math.round(process.uptime()),
  }
  const content = JSON.stringify({ ...head, ...facts, config }, null, 2)
  const writing = (async () => {
    await (prepared ??= files.prepare())
    return files.write(`${nodeId}-${at.replaceAll(/[-:.]/g, '')}-${reason}`, content)
  })()
  const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('the disk does not answer')), REPORT_DEADLINE_MS))
  try {
    const file = await Promise.race([writing, late])
    logger.warn('report_written', `a report is in ${file}`, { file, reason })
    say({ kind: 'reported', file })
  } catch (error) {
    prepared = undefined
    logger.error('report_dropped', `no report could be written: ${(error as Error).message}`, { reason })
    say({ kind: 'reported', file: null })
  }
}

/** From within where that works, because only that keeps the exit code; else by signals, which nothing withstands. */
async function end(code: number): Promise<void> {
  await mainThread.exit(code)
  await sleep(HARDER_AFTER_MS)
  logger.error('process_aborted', 'the main thread cannot be reached: the process ends by SIGABRT', {})
  process.kill(process.pid, 'SIGABRT')
  await sleep(HARDER_AFTER_MS)
  process.kill(process.pid, 'SIGKILL')
}

const watch = new Watch({
  table,
  names,
  settings,
  logger,
  nowMs: monotonicMs,
  look: () => mainThread.look(),
  askAccount,
  report: ({ reason, ...facts }: Finding) => writeReport(reason, facts),
  askToEnd: (reason) => say({ kind: 'end', reason }),
  end,
  alive: (nowMs) => supervisor.alive(nowMs),
})

port.on('message', (message: ToWatchdog) => {
  switch (message.kind) {
    case 'opened':
      names.set(message.row, message.name)
      return
    case 'account':
      return accounts.answered(message.id, message.account)
    case 'metrics':
      return metrics.answered(message.id, message.text)
    case 'answered':
      return answers.answered(message.id, message)
    case 'report':
      return void writeReport(message.reason, { message: message.message, account: message.account, stages: message.account.stages })
    case 'state':
      return message.state === 'ready' ? supervisor.ready() : supervisor.stopping()
  }
})

async function start(): Promise<void> {
  prepared = files.prepare()
  prepared.catch((error: Error) => logger.warn('reports_unavailable', `reports cannot be written: ${error.message}`))
  let probesPort: number | null = null
  if (settings.probes !== null) {
    const { nodeId: node, operatorSecret } = settings
    const asks =
      operatorSecret === null ? undefined : new AskServer({ node, secret: new Secret(operatorSecret), clock: systemClock, logger, answer })
    const server = await serveProbes({
      ...settings.probes,
      ...(asks === undefined ? {} : { asks: (request, response) => asks.handle(request, response) }),
      dead: () => (table.overdueRow === LOOP_ROW ? watch.trouble : null),
      unready: () => watch.trouble ?? (table.isReady ? null : 'not ready'),
      metrics: readMetrics,
    })
    probesPort = portOf(server)
  }
  setInterval(() => watch.tick(), LOOK_INTERVAL_MS)
  say({ kind: 'watching', probesPort })
}

await start()
