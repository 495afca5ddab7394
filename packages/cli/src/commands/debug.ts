import { Command, InvalidArgumentError, Option } from 'commander'
import type { AskFlags } from '../ask/open.ts'
import { CPU_FORMATS, type CpuFormat, debugNode, QUESTIONS, type DebugQuestion } from '../debug/debug.ts'
import { withAsking } from './ask-flags.ts'

interface DebugFlags extends AskFlags {
  readonly seconds?: string
  readonly limitMb?: string
  readonly symbol?: string
  readonly user?: string
  readonly output?: string
  readonly format?: CpuFormat
  readonly json: boolean
}

export function debugCommand(): Command {
  const command = new Command('debug')
    .description('ask any node, over whichever node can be reached, what it is doing')
    .argument('<node>', 'its name, as in `pulsewire nodes`')
    .argument('<question>', `one of ${QUESTIONS.join(', ')}`, toQuestion)
  return withAsking(command)
    .option('--seconds <seconds>', 'cpu, stacks: how long it is looked at (default: 10, 1)')
    .option('--limit-mb <size>', 'heap: taken although the heap is so large (default: 256)')
    .option('--symbol <symbol>', 'subscriptions: of this symbol')
    .option('--user <user>', 'subscriptions: sessions of this user')
    .addOption(new Option('--format <format>', 'cpu: for the developer tools of Chrome (default), or for pprof').choices(CPU_FORMATS))
    .option('-o, --output <file>', 'where cpu, heap and report are written; - is standard output')
    .option('--json', 'the answer as it came', false)
    .addHelpText(
      'after',
      '\ncpu and heap open in the developer tools of Chrome, cpu --format pprof in pprof. docs/diagnosis.md says which question helps when.',
    )
    .action((node: string, question: DebugQuestion, { seconds, limitMb, symbol, user, ...flags }: DebugFlags) => {
      if (flags.format !== undefined && question !== 'cpu') command.error('error: --format is for cpu alone')
      const given = Object.entries({ seconds, limitMb, symbol, user }).filter((entry): entry is [string, string] => entry[1] !== undefined)
      return debugNode(node, question, Object.fromEntries(given), flags)
    })
}

function toQuestion(value: string): DebugQuestion {
  if ((QUESTIONS as readonly string[]).includes(value)) return value as DebugQuestion
  throw new InvalidArgumentError(`It is one of ${QUESTIONS.join(', ')}.`)
}
