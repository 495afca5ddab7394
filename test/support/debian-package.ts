/** Programs that tests need and npm does not bring: found, or installed from Debian's packages where this process may. */
import { spawnSync } from 'node:child_process'

export interface DebianProgram {
  /** For people: `Chromium`. */
  readonly title: string
  /** What apt-get is to install, with its options. */
  readonly packages: string
  /** Whose tests need it: `Browser tests`. */
  readonly neededBy: string
  /** The environment variable that names another one. */
  readonly variable: string
  /** @returns the command that starts it. */
  find(): string | undefined
}

/** Installs it where this process may. @throws Error with the one line that installs it. */
export function ensureDebianProgram(program: DebianProgram): string {
  const { title, neededBy, variable } = program
  const found = program.find()
  if (found !== undefined) return found
  const install = installLine(program)
  const mayInstall = process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).error === undefined
  if (mayInstall) {
    console.log(`${neededBy} need ${title}: ${install}`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const { status } = spawnSync('sh', ['-c', install], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    const installed = status === 0 ? program.find() : undefined
    if (installed !== undefined) return installed
  }
  throw new Error(`${neededBy} need ${title}, which is not there. Install it: ${install}   (or name one with ${variable})`)
}

export function installLine(program: DebianProgram): string {
  return `apt-get update && apt-get install -y ${program.packages}`
}

/** @returns the first of these commands that says its version. */
export function firstThatRuns(commands: readonly string[]): string | undefined {
  return commands.find((command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0)
}
