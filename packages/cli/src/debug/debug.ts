import { open } from 'node:fs/promises'
import { type Args, findWay, type Way } from '@pulsewire/server'
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
  const way = await findWay(entrances.askers, node)
  const extension = FILES[question]
  if (extension !== undefined && flags.output !== '-') {
    const file = flags.output ?? `${node}-${new Date().toISOString().replaceAll(/[-:.]/g, '')}.${extension}`
    const bytes = await write(way, question, args, file)
    console.log(`${file}: ${bytes} bytes from ${[way.asker.node, ...way.path].join(' → ')}`)
    return
  }
  if (extension !== undefined) {
    for await (const chunk of way.asker.ask(way.path, question, args)) process.stdout.write(chunk)
    return
  }
  const text = await way.asker.text(way.path, question, args)
  console.log(flags.json ? text : formatAnswer(question, JSON.parse(text)))
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
