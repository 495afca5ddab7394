import { open } from 'node:fs/promises'
import type { Args, Way } from '@pulsewire/server'
import { type AskFlags, openEntrances } from '../ask/open.ts'
import { overWay, wayTo } from '../ask/way.ts'
import { formatAnswer, formatReport } from './format.ts'
import { pprofOf } from './pprof.ts'

export const QUESTIONS = ['stacks', 'stages', 'cpu', 'heap', 'subscriptions', 'report', 'links'] as const
export type DebugQuestion = (typeof QUESTIONS)[number]

/** Those whose answer is a file for some other tool. */
const FILES: Partial<Record<DebugQuestion, string>> = { cpu: 'cpuprofile', heap: 'heapsnapshot', report: 'report.json' }

/** How a CPU profile is written down: for Chrome, or for pprof. */
export const CPU_FORMATS = ['chrome', 'pprof'] as const
export type CpuFormat = (typeof CPU_FORMATS)[number]

export interface DebugOutput {
  readonly output?: string
  readonly format?: CpuFormat
  readonly json: boolean
}

/** Asks the node and shows, or writes down, what it says. @throws AskError, ConfigError */
export async function debugNode(node: string, question: DebugQuestion, args: Args, flags: AskFlags & DebugOutput): Promise<void> {
  using entrances = await openEntrances(flags)
  const found = await wayTo(entrances.askers, node, question)
  await overWay(found, (way) => show(way, question, args, node, flags))
}

async function show(way: Way, question: DebugQuestion, args: Args, node: string, { output, format, json }: DebugOutput): Promise<void> {
  const extension = format === 'pprof' ? 'pb.gz' : FILES[question]
  if (extension === undefined) {
    const text = await way.asker.text(way.path, question, args)
    console.log(json ? text : formatAnswer(question, JSON.parse(text)))
    return
  }
  if (question === 'report') return showReport(await way.asker.text(way.path, question, args), node, way, output)
  const answer = way.asker.ask(way.path, question, args)
  const parts = format === 'pprof' ? asPprof(answer) : answer
  if (output === '-') {
    for await (const part of parts) process.stdout.write(part)
  } else {
    await save(parts, output ?? nameOf(node, extension), way)
  }
}

/** What matters in it is said at once; the whole is a file. */
async function showReport(text: string, node: string, way: Way, output: string | undefined): Promise<void> {
  if (output === '-') return void process.stdout.write(text)
  await save([text], output ?? nameOf(node, FILES.report!), way)
  console.log(formatReport(text))
}

function nameOf(node: string, extension: string): string {
  return `${node}-${new Date().toISOString().replaceAll(/[-:.]/g, '')}.${extension}`
}

async function save(parts: AsyncIterable<string | Uint8Array> | Iterable<string>, file: string, way: Way): Promise<void> {
  const bytes = await write(parts, file)
  console.log(`${file}: ${bytes} bytes from ${[way.asker.node, ...way.path].join(' → ')}`)
}

/** For the owner only: a heap holds whatever the process holds. Never over a file that is there. */
async function write(parts: AsyncIterable<string | Uint8Array> | Iterable<string>, name: string): Promise<number> {
  let bytes = 0
  // Not before something comes: a question that is refused leaves no file.
  let file: Awaited<ReturnType<typeof open>> | undefined
  try {
    for await (const part of parts) {
      file ??= await open(name, 'wx', 0o600)
      bytes += Buffer.byteLength(part)
      await file.writeFile(part)
    }
  } finally {
    await file?.close()
  }
  return bytes
}

/** Nodes give what V8 gives; what else it may be is made of it here, where nothing is in a hurry. */
async function* asPprof(answer: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let text = ''
  for await (const chunk of answer) text += chunk
  yield await pprofOf(JSON.parse(text), Date.now())
}
