import { Command, InvalidArgumentError, Option } from 'commander'
import { type SessionsQuery, showSessions } from '../sessions/sessions.ts'
import { withAsking } from './ask-flags.ts'
import { withDirectory } from './directory-flags.ts'

const HOUR_MS = 3_600_000
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: HOUR_MS, d: 24 * HOUR_MS }

export function sessionsCommand(): Command {
  const command = new Command('sessions').description('what happened to the sessions of a user, over all gateways that can be reached')
  return withDirectory(withAsking(command))
    .option('--user <user>', 'the name that the app gives')
    .option('--session <id>', 'one session')
    .option('--topic <topic>', 'read what gateways wrote into the log as well (gateway.sessionHistory.topic); needs --brokers or --config')
    .addOption(
      new Option('--since <time>', 'of the topic: the last so much of it, such as 30m, 2h or 7d')
        .argParser(toMs)
        .default(24 * HOUR_MS, '1d'),
    )
    .option('--json', 'one JSON object', false)
    .action((flags: SessionsQuery, own: Command) => {
      if (flags.user === undefined && flags.session === undefined) own.error('error: give --user or --session')
      return showSessions(flags)
    })
}

function toMs(value: string): number {
  const match = /^(\d+)([mhd])$/.exec(value)
  if (match === null) throw new InvalidArgumentError('It is a number with m, h or d behind it, such as 2h.')
  return Number(match[1]) * UNITS_MS[match[2]!]!
}
