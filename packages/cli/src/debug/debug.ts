import { open } from 'node:fs/promises'
import { type Args, AskError, type Asker, BEYOND_QUESTIONS, findWay, type Way } from '@pulsewire/server'
import { type AskFlags, openEntrances } from '../ask/open.ts'
import { formatAnswer } from './format.ts'

export const QUESTIONS = ['stacks', 'stages', 'cpu', 'heap', 'subscriptions', 'report', 'links'] as const
export type DebugQuestion = (typeof QUESTIONS)[number]

/** Those whose answer is a file for some other tool. */
const FILES: Partial<Record<DebugQuestion, string>> = { cpu: 'cpuprofile', heap: 'heapsnapshot', report: 'report.json' }

export interface DebugOutput {
  readonly output?: string
  readonly json: boolean
}

/** Asks the node and shows, or writes down, what it says. @throws AskError, ConfigError */
export async function debugNode(node: string, question: DebugQuestion, args: Args, flags: AskFlags & DebugOutput): Promise<void> {
  using entrances = await openEntrances(flags)
  const { way, lost } = await wayTo(entrances.askers, node, question)
  try {
    await show(way, question, args, node, flags)
  } catch (error) {
    if (lost === undefined || !(error instanceof AskError) || error.code !== 'ask_no_way') throw error
    throw new AskError('ask_no_way', `${lost.message}; ${error.message}`, { cause: error })
  }
}

async function show(way: Way, question: DebugQuestion, args: Args, node: string, { output, json }: DebugOutput): Promise<void> {
  const extension = FILES[question]
  if (extension === undefined) {
    const text = await way.asker.text(way.path, question, args)
    console.log(json ? text : formatAnswer(question, JSON.parse(text)))
  } else if (output === '-') {
    for await (const chunk of way.asker.ask(way.path, question, args)) process.stdout.write(chunk)
  } else {
    const file = output ?? `${node}-${new Date().toISOString().replaceAll(/[-:.]/g, '')}.${extension}`
    const bytes = await write(way, question, args, file)
    console.log(`${file}: ${bytes} bytes from ${[way.asker.node, ...way.path].join(' → ')}`)
  }
}

/** Who has no way to a node may know of its watchdog: the nearest is asked to ask that, and `lost` says why. @throws AskError */
async function wayTo(askers: readonly Asker[], node: string, question: DebugQuestion): Promise<{ way: Way; lost?: AskError }> {
  try {
    return { way: await findWay(askers, node) }
  } catch (error) {
    const [first] = askers
    if (first === undefined || !BEYOND_QUESTIONS.includes(question) || !(error instanceof AskError) || error.code !== 'ask_no_way')
      throw error
    return { way: { asker: first, path: [node] }, lost: error }
  }
}

/** For the owner only: a heap holds whatever the process holds. Never over a file that is there. */
async function write({ asker, path }: Way, question: string, args: Args, name: string): Promise<number> {
  let bytes = 0
  // Not before something comes: a question that is refused leaves no file.
  let file: Awaited<ReturnType<typeof open>> | undefined
  try {
    for await (const chunk of asker.ask(path, question, args)) {
      file ??= await open(name, 'wx', 0o600)
      bytes += Buffer.byteLength(chunk)
      await file.writeFile(chunk)
    }
  } finally {
    await file?.close()
  }
  return bytes
}
