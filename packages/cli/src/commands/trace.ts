import { Command } from 'commander'
import type { AskFlags } from '../ask/open.ts'
import { trace } from '../trace/trace.ts'
import { withAsking } from './ask-flags.ts'

interface TraceFlags extends AskFlags {
  readonly user?: string
  readonly session?: string
  readonly symbol: string
  readonly feed: string
  readonly json: boolean
}

export function traceCommand(): Command {
  const command = new Command('trace').description('what each hop between a user and the log holds of a symbol, and which one broke')
  return withAsking(command)
    .requiredOption('--symbol <symbol>', 'such as AAPL.US')
    .option('--user <user>', 'whose session; the name that the app gives (default: nobody’s, from the first gateway on)')
    .option('--session <id>', 'this session, instead of the newest of the user')
    .option('-f, --feed <feed>', 'feed', 'quote')
    .option('--json', 'facts and findings as JSON', false)
    .addHelpText(
      'after',
      '\nExit code 0 when nothing is broken for this user, else 1. docs/trace.md lists what can be found, and what to do about it.',
    )
    .action(({ user, session, symbol, feed, json, ...flags }: TraceFlags) => {
      const target = { symbol, feed, ...(user === undefined ? {} : { user }), ...(session === undefined ? {} : { session }) }
      return trace(target, flags, json)
    })
}
