import { Command, CommanderError } from 'commander'
import { ConfigError, EXIT_CODES, PulsewireError, VERSION } from '@pulsewire/server'
import { configCommand } from './config.ts'
import { debugCommand } from './debug.ts'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { feedCommand } from './feed.ts'
import { nodeCommands } from './nodes.ts'
import { produceCommand } from './produce.ts'
import { roleCommands } from './role.ts'
import { sessionsCommand } from './sessions.ts'
import { statusCommand } from './status.ts'
import { greyCommand } from './grey.ts'
import { tokenCommand } from './token.ts'
import { traceCommand } from './trace.ts'
import { verdictsCommand } from './verdicts.ts'
import { watchCommand } from './watch.ts'

function createProgram(): Command {
  const program = new Command('pulsewire').description(
    'Pushes stock quotes from Kafka to app clients and never goes silent without saying so.',
  )
  const commands = [
    ...roleCommands(),
    demoCommand(),
    watchCommand(),
    statusCommand(),
    doctorCommand(),
    verdictsCommand(),
    traceCommand(),
    sessionsCommand(),
    debugCommand(),
    produceCommand(),
    ...nodeCommands(),
    greyCommand(),
    tokenCommand(),
    feedCommand(),
    configCommand(),
  ]
  for (const command of commands) program.addCommand(command)
  program
    .command('version')
    .description('print the version')
    .action(() => console.log(`pulsewire ${VERSION} (Node ${process.version})`))
  program.version(VERSION, '-V, --version', 'print the version alone')
  program.showSuggestionAfterError().showHelpAfterError('(add --help for what can be given)')
  program.addHelpText('after', () => `\nExit codes:\n${exitCodesHelp()}`)
  for (const command of [program, ...allBelow(program)]) command.exitOverride()
  return program
}

function allBelow(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allBelow(child)])
}

function exitCodesHelp(): string {
  return Object.values(EXIT_CODES)
    .map(([code, meaning]) => `  ${code}  ${meaning}`)
    .join('\n')
}

/** Runs a command line. @returns the exit code, or undefined when the command has set it. */
export async function runProgram(args: readonly string[]): Promise<number | undefined> {
  try {
    await createProgram().parseAsync([...args], { from: 'user' })
    return undefined
  } catch (error) {
    return explain(error)
  }
}

function explain(error: unknown): number {
  // Commander has printed its own; help and version end with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_CODES.configuration[0]
  if (error instanceof ConfigError) {
    console.error(`${error.message}${error.problems.map((problem) => `\n  ${problem}`).join('')}`)
    return EXIT_CODES.configuration[0]
  }
  // An error of ours says what to do; of any other, the stack is all there is.
  const isKnown = error instanceof PulsewireError || (error as { code?: unknown } | null)?.code !== undefined
  console.error(isKnown ? `${(error as { code: string }).code}: ${(error as Error).message}` : error)
  return EXIT_CODES.failure[0]
}
